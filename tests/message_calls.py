"""Calls of google.protobuf's API, one a line: Python code whose last expression is what counts."""

PRESENCE = """
o = Offer(); o.agent_id.value, o.HasField('agent_id')
o = Offer(); o.agent_id.value = 'x'; o.HasField('agent_id')
o = Offer(); o.agent_id is o.agent_id
o = Offer(); o.agent_id.SetInParent(); o.HasField('agent_id')
o = Offer(); o.resources.extend([]); o.ListFields()
o = Offer(); o.agent_id = AgentID(value='x'); o
o = Offer(); o.resources = []; o
t = TaskInfo(); t.limits = {}; t
o = Offer(); o.hostname = None; o
o = Offer(); o.nope = 1; o
Offer().nope
o = Offer(); del o.hostname; o
Offer().HasField('resources')
Offer().HasField('zzz')
Offer().HasField(5)
'hostname' in Offer(hostname='')
'agent_id' in Offer()
'zzz' in Offer()
'resources' in Offer()
5 in Offer()
Filters().refuse_seconds, CommandInfo().shell, FrameworkInfo().role
f = Filters(); f.refuse_seconds = 5.0; f.HasField('refuse_seconds'), f
o = Offer(agent_id=dict(value='x')); a = o.agent_id; o.ClearField('agent_id'); a.value = 'y'; o, a
Offer().ClearField('zzz')
Offer().ClearField(5)
o = Offer(hostname='h'); o.Clear(); o
TaskStatus().WhichOneof('x')
AttributeConstraint.Selector().WhichOneof('selector')
AttributeConstraint.Selector(attribute_name='a').WhichOneof('selector')
'selector' in AttributeConstraint.Selector(attribute_name='a')
s = AttributeConstraint.Selector(attribute_name='a'); s.pseudoattribute_type = 1; s.WhichOneof('selector'), s
s = AttributeConstraint.Selector(attribute_name='a'); s.ClearField('selector'); s
AttributeConstraint.Selector(attribute_name='a', pseudoattribute_type=1)
[(f.name, f.number) for f, _ in TaskInfo(name='n', data=b'd', agent_id={}).ListFields()]
t = TaskInfo(); t.ListFields()
"""

VALUES = """
t = TaskID(); t.value = b'abc'; t.value
t = TaskID(); t.value = b'\\xff'; t.value
t = TaskID(); t.value = chr(0xd800); t.value
t = TaskID(); t.value = 5; t.value
TaskID.FromString(b'\\n\\x01\\xff').value
t = TaskInfo(); t.data = 'text'; t.data
t = TaskInfo(); t.data = bytearray(b'x'); t.data
t = TaskInfo(); t.data = memoryview(b'x'); t.data
r = Value.Range(); r.begin = 1.0; r.begin
r = Value.Range(); r.begin = 1.5; r.begin
r = Value.Range(); r.begin = -1; r.begin
r = Value.Range(); r.begin = 2**64; r.begin
r = Value.Range(); r.begin = 2**64 - 1; r.begin
r = Value.Range(); r.begin = True; r.begin
r = Value.Range(); r.begin = '5'; r.begin
r = Value.Range(); r.begin = Seven(); r.begin
c = CommandInfo(); c.shell = 2; c.shell
c = CommandInfo(); c.shell = 'yes'; c.shell
c = CommandInfo(); c.shell = Seven(); c.shell
c = CommandInfo(); c.shell = 1.0; c.shell
r = Resource(); r.type = 'RANGES'; r.type
r = Resource(); r.type = 'NOPE'; r.type
r = Resource(); r.type = 999; r.type
r = Resource(); r.type = 1.0; r.type
r = Resource(); r.type = True; r.type
r = Resource(); r.type = None; r.type
s = Value.Scalar(); s.value = 3; s.value
s = Value.Scalar(); s.value = True; s.value
s = Value.Scalar(); s.value = 'x'; s.value
s = Value.Scalar(); s.value = Seven(); s.value
s = Value.Scalar(); s.value = 10**400; s.value
Value.SCALAR, Value.Type.Name(1), Value.Type.Value('SET'), list(Value.Type.keys()), list(Value.Type.items())
Value.Type.values()
Value.Type.Name(99)
Value.Type.Value('NOPE')
Value.Type.Name('x')
Value.Type.DESCRIPTOR.full_name
TaskInfo.NAME_FIELD_NUMBER, TaskInfo.LIMITS_FIELD_NUMBER
"""

CONSTRUCTORS = """
Offer(hostname=None, agent_id=None, resources=None)
Offer(nope=1)
Offer('x')
Offer(agent_id={'value': 'x'}, resources=[{'name': 'cpus', 'type': 'SCALAR'}])
Offer(agent_id={'nope': 'x'})
Offer(agent_id=AgentID(value='x'))
Offer(agent_id=TaskID(value='x'))
Offer(agent_id=5)
Offer(resources=5)
Offer(resources={'name': 'cpus'})
Offer(resources=(Resource(name=n) for n in 'ab'))
Offer(resources=[None])
TaskInfo(limits={'a': {'value': 1}})
TaskInfo(limits={'a': Value.Scalar(value=1)})
TaskInfo(limits=[('a', 1)])
CommandInfo(arguments='abc')
CommandInfo(arguments=['a', 5])
Offer(**{'hostname': 'h'})
Offer(agent_id='x')
Offer(agent_id=[('value', 'x')])
"""

WIRE = """
Offer().SerializeToString()
Offer().SerializePartialToString()
Offer.FromString(b'').IsInitialized()
Offer().FindInitializationErrors()
TaskID(value='x').SerializeToString(deterministic=True)
TaskID(value='x').SerializeToString(deterministic=None)
TaskID(value='x').SerializePartialToString(deterministic=True)
TaskID(value='x').SerializeToString(nope=True)
TaskID(value='x').SerializeToString(True)
TaskID(value='x').ByteSize()
TaskID(value='x').ByteSize(1)
t = TaskID(value='old'); t.ParseFromString(b'\\n\\x01a'), t
t = TaskID(value='old'); t.MergeFromString(b'\\n\\x01a'), t
t = TaskID(); t.ParseFromString(bytearray(b'\\n\\x01a')), t
t = TaskID(); t.ParseFromString(memoryview(b'\\n\\x01a')), t
t = TaskID(); t.ParseFromString('x')
t = TaskID(); t.ParseFromString(None)
TaskID.FromString(5)
AgentID.FromString(b'\\n\\x03a')
AgentID.FromString(b'\\x00')
AgentID.FromString(b'\\x0f')
AgentID.FromString(b'\\x0c')
AgentID.FromString(b'#\\x08\\x01$')
a = AgentID.FromString(b'\\x08\\x05'); a.value, a.HasField('value'), a
AgentID.FromString(b'\\n\\x01a\\n\\x01b').value
AgentID.FromString(b'\\x8a\\x80\\x80\\x80\\x00\\x01a').value
Value.Range.FromString(b'\\x08' + b'\\xff' * 9 + b'\\x01').begin
Value.Range.FromString(b'\\x08' + b'\\xff' * 10 + b'\\x01').begin
t = TaskStatus.FromString(b'\\n\\x03\\n\\x01a\\x10\\x63'); t.HasField('state'), t.state, t
Offer.FromString(b'\\n\\x00\\n\\x03\\n\\x01a').id.value
a = AgentID.FromString(b'\\n\\x01a\\xfa\\x3f\\x03xyz'); a == AgentID(value='a'), a
a = AgentID.FromString(b'\\n\\x01a\\xfa\\x3f\\x03xyz'); a.DiscardUnknownFields(), a
a = AgentID.FromString(b'\\n\\x01a\\xfa\\x3f\\x03xyz'); a.UnknownFields()
"""

MESSAGES = """
a = TaskID(value='a'); a.CopyFrom(a); a
a = TaskID(value='a'); a.MergeFrom(a); a
a = TaskID(value='a'); a.CopyFrom(TaskID(value='b')); a
a = TaskID(value='a'); a.CopyFrom(AgentID(value='b')); a
a = TaskID(value='a'); a.MergeFrom(5); a
a = TaskID(value='a'); a.CopyFrom(None); a
a = TaskID(value='a'); a.CopyFrom({'value': 'b'}); a
a = TaskID(value='a'); a.CopyFrom('b'); a
TaskID(value='a') == TaskID(value='a'), TaskID() == TaskID(value=''), TaskID() == AgentID(), TaskID() != 5
Value.Scalar(value=float('nan')) == Value.Scalar(value=float('nan'))
Value.Scalar(value=0.0) == Value.Scalar(value=-0.0)
TaskID() < TaskID()
hash(TaskID())
bool(TaskID())
len(TaskID())
iter(TaskID())
str(TaskID(value='a')), repr(Resource(name='n', type=0, scalar={'value': .1}))
copy.copy(TaskID(value='a')), copy.deepcopy(TaskID(value='a'))
o = Offer(agent_id={'value': 'a'}); c = copy.copy(o); c.agent_id.value = 'b'; o
TaskInfo().HasExtension('x')
TaskInfo().ClearExtension('x')
TaskInfo().Extensions
type('Sub', (TaskID,), {})
TaskID.Nope
sorted(n for n in dir(TaskID()) if n[0].isupper())
[callable(getattr(TaskInfo(), n)) for n in dir(TaskID()) if n[0].isupper()]
TaskID.__name__, TaskID().__class__ is TaskID
"""

REPEATED = """
o = Offer(); o.resources.add(name='a'), o
o = Offer(); o.resources.add(nope=1)
o = Offer(); o.resources.add(Resource())
o = Offer(); r = Resource(name='a'); o.resources.append(r); r.name = 'b'; o
o = Offer(); o.resources.append(AgentID()); o
o = Offer(); o.resources.append(5); o
o = Offer(); o.resources.append({'name': 'x'}); o
o = Offer(); o.resources.append(None); o
o = Offer(); o.resources.insert(0, Resource(name='a')), o.resources.insert(-9, Resource(name='b')), o
o = Offer(); o.resources.insert('x', Resource()); o
o = Offer(resources=[{}] * 3); o.resources.extend(list(o.resources)); len(o.resources)
o = Offer(); o.resources.extend(5); o
o = Offer(); o.resources.extend(None); o
o = Offer(resources=[{}]); o.resources[0] = Resource(); o
o = Offer(resources=[{'name': 'a'}]); o.resources[0:1] = [Resource()]; o
o = Offer(resources=[{'name': n} for n in 'abc']); o.resources.pop(), o.resources.pop(0), o
Offer().resources.pop(0)
o = Offer(resources=[{}]); o.resources.pop(0, 1)
o = Offer(resources=[{'name': n} for n in 'abc']); del o.resources[1]; o
o = Offer(resources=[{'name': n} for n in 'abc']); del o.resources[::2]; o
o = Offer(resources=[{'name': n} for n in 'abc']); o.resources.reverse(); o
o = Offer(resources=[{'name': n} for n in 'cab']); o.resources.sort(key=lambda r: r.name); o
o = Offer(resources=[{}, {}]); o.resources.sort()
o = Offer(resources=[{'name': n} for n in 'abc']); o.resources.remove(o.resources[1]); o
o = Offer(); o.resources.remove(Resource())
o = Offer(resources=[{'name': n} for n in 'abc']); o.resources[-1], o.resources[1:], o.resources[::-1]
Offer().resources[0]
Offer().resources['x']
Offer().resources[None]
o = Offer(resources=[{}]); r = o.resources; r == [Resource()], r == r, r == (Resource(),)
o = Offer(resources=[{}]); o.resources[0] is o.resources[0], list(o.resources)[0] is o.resources[0]
o = Offer(resources=[{}]); Resource() in o.resources
o = Offer(resources=[{}]); o.resources.clear(); o
o = Offer(); o.resources + []
o = Offer(); o.resources += [Resource()]; o
o = Offer(); o.resources.index(Resource())
o = Offer(resources=[{}]); o.resources.count(Resource())
hash(Offer().resources)
bool(Offer().resources), len(Offer().resources)
repr(Offer(resources=[{'name': 'a'}]).resources)
copy.deepcopy(Offer(resources=[{}]).resources)
c = CommandInfo(); c.arguments.append('a'), c.arguments.append(5)
c = CommandInfo(arguments=list('abc')); c.arguments[1] = 'x'; c
c = CommandInfo(arguments=list('abc')); c.arguments[0:2] = ['x']; c
c = CommandInfo(arguments=list('abc')); c.arguments[::2] = ['x']; c
c = CommandInfo(arguments=list('abc')); c.arguments[7] = 'x'; c
c = CommandInfo(arguments=list('abc')); c.arguments[0] = 5; c
c = CommandInfo(arguments=list('cab')); c.arguments.sort(reverse=True); c
c = CommandInfo(arguments=list('abc')); c.arguments.insert(1, 'x'), c.arguments.extend('yz'), c
c = CommandInfo(arguments=list('abc')); c.arguments.remove('b'), c.arguments.pop(-2), c
c = CommandInfo(arguments=list('abc')); c.arguments.remove('z')
c = CommandInfo(); c.arguments.add()
c = CommandInfo(arguments=list('abc')); c.arguments == list('abc'), 'a' in c.arguments, repr(c.arguments)
c = CommandInfo(arguments=list('abc')); c.arguments < ['z']
c = CommandInfo(arguments=list('abc')); c.arguments.index('b'), c.arguments.count('b')
"""

MAPS = """
t = TaskInfo(); t.limits['a'].value, 'a' in t.limits, len(t.limits), t
t = TaskInfo(); t.limits['a'] = Value.Scalar(); t
t = TaskInfo(); t.limits.get('a'), t.limits.get('a', 5), len(t.limits)
t = TaskInfo(); t.limits[5]
t = TaskInfo(); 5 in t.limits
t = TaskInfo(); t.limits.get_or_create('a').value = 1; t
t = TaskInfo(limits={'a': {'value': 1}}); t.limits.pop('a'), t
t = TaskInfo(); t.limits.pop('a', 7)
t = TaskInfo(); t.limits.pop('a')
t = TaskInfo(limits={'a': {'value': 1}}); t.limits.popitem(), len(t.limits)
t = TaskInfo(); t.limits.popitem()
t = TaskInfo(limits={'a': {'value': 1}}); del t.limits['a']; t
t = TaskInfo(); del t.limits['a']; t
t = TaskInfo(limits={'a': {'value': 1}}); t.limits.clear(); t
t = TaskInfo(limits={'a': {'value': 1}}); list(t.limits), list(t.limits.keys()), list(t.limits.values())
t = TaskInfo(); t.limits.setdefault('a')
t = TaskInfo(); t.limits.setdefault('a', Value.Scalar(value=1))
t = TaskInfo(); t.limits.update({'a': Value.Scalar(value=1)}); t
t = TaskInfo(limits={'a': {'value': 1}}); u = TaskInfo(); u.limits.MergeFrom(t.limits); u
t = TaskInfo(); t.limits.MergeFrom(5)
t = TaskInfo(); h = t.limits['a']; t.limits.MergeFrom(TaskInfo(limits={'a': {'value': 1}}).limits); h
t = TaskInfo(limits={'a': {'value': 1}}); h = t.limits['a']; t.MergeFrom(TaskInfo(limits={'a': {}})); h
t = TaskInfo(limits={'a': {'value': 1}}); t.limits == {'a': Value.Scalar(value=1)}, t.limits == 5
t = TaskInfo(); t.limits.GetEntryClass(), t.limits.GetEntryClass().DESCRIPTOR.GetOptions().map_entry
t = TaskInfo(); str(t.limits.GetEntryClass()(key='a', value={'value': 2}))
hash(TaskInfo().limits)
"""

DESCRIPTORS = """
d = Offer.DESCRIPTOR; d.name, d.full_name, d is Offer().DESCRIPTOR, d.file.package, d.file.name
d = Offer.Operation.Launch.DESCRIPTOR; d.containing_type.full_name, d.containing_type.containing_type.name
Offer.DESCRIPTOR.containing_type
d = Offer.DESCRIPTOR; d.fields[0] is d.fields_by_number[1] is d.fields_by_name['id']
Offer.DESCRIPTOR.fields_by_name['zzz']
Offer.DESCRIPTOR.fields_by_number[99]
d = Offer.DESCRIPTOR; d._concrete_class is Offer, d.is_extendable, len(d.extensions), len(d.extension_ranges)
Offer.Operation.DESCRIPTOR.EnumValueName('Type', 1)
d = Offer.Operation.DESCRIPTOR; sorted(d.enum_values_by_name), d.enum_types[0].values[1].type.name
d = AttributeConstraint.Selector.DESCRIPTOR; [f.name for f in d.oneofs[0].fields], d.oneofs[0].index
d = Value.Type.DESCRIPTOR; d.values_by_number[1].name, d.values_by_name['SET'].number, d.containing_type.name
len(Offer.DESCRIPTOR.file.message_types_by_name), len(Offer.DESCRIPTOR.file.enum_types_by_name)
sorted(Call.DESCRIPTOR.file.message_types_by_name), sorted(Call.DESCRIPTOR.file.services_by_name)
f, v = Offer(hostname='h').ListFields()[0]; f is Offer.DESCRIPTOR.fields_by_name['hostname'], v
"""

CASES = [
    line
    for group in (PRESENCE, VALUES, CONSTRUCTORS, WIRE, MESSAGES, REPEATED, MAPS, DESCRIPTORS)
    for line in group.strip().splitlines()
]
