//! Writes the schema as Rust: `MESSAGES`, `ENUMS`, and the names of `wire::msg` and `wire::field`.
//!
//! The text it writes is only data; what the data mean is in src/wire/table.rs.
//!
//! # Invariants
//! * Both tables are sorted by full name, and ids are positions in them.
//! * What src/wire relies on is checked here, so that a schema that breaks it breaks the build.

use crate::Result;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

/// Presence of a message's fields is one integer, a `u64` or else a `u128`.
const MAX_FIELDS: usize = 128;
/// `Message` finds a field by its number in an array as long as the highest of them.
const MAX_NUMBER: i32 = 511;

/// Above the generated names.
const UNUSED: &str = "#[allow(dead_code, reason = \"names of the whole schema\")]";

/// A position in a descriptor, and the comments of its file by position.
type Comments = HashMap<Vec<i32>, String>;

#[derive(Default)]
struct Schema {
    /// full name (without a dot in front) to descriptor and comments
    messages: BTreeMap<String, (DescriptorProto, Docs)>,
    enums: BTreeMap<String, (EnumDescriptorProto, Docs)>,
}

/// The comment of a message or enum, and of its fields or values in order.
struct Docs {
    own: String,
    parts: Vec<String>,
}

/// The text of `tables.rs`.
pub(crate) fn generate(set: &FileDescriptorSet) -> Result<String> {
    let mut schema = Schema::default();
    for file in &set.file {
        schema.add_file(file);
    }
    schema.document_duration();
    let mut out = String::new();
    schema.write_limits(&mut out)?;
    schema.write_messages(&mut out)?;
    schema.write_enums(&mut out)?;
    schema.write_names(&mut out)?;
    Ok(out)
}

impl Schema {
    fn add_file(&mut self, file: &FileDescriptorProto) {
        let comments = comments(file);
        for (index, item) in file.message_type.iter().enumerate() {
            self.add_message(file.package(), item, &comments, &[4, index as i32]);
        }
        for (index, item) in file.enum_type.iter().enumerate() {
            self.add_enum(file.package(), item, &comments, &[5, index as i32]);
        }
    }

    /// `path` is the place of the message in its file, as descriptor.proto defines it for comments.
    fn add_message(&mut self, scope: &str, message: &DescriptorProto, comments: &Comments, path: &[i32]) {
        let name = format!("{scope}.{}", message.name());
        for (index, item) in message.nested_type.iter().enumerate() {
            self.add_message(&name, item, comments, &[path, &[3, index as i32]].concat());
        }
        for (index, item) in message.enum_type.iter().enumerate() {
            self.add_enum(&name, item, comments, &[path, &[4, index as i32]].concat());
        }
        let docs = Docs::new(comments, path, message.field.len());
        self.messages.insert(name, (message.clone(), docs));
    }

    /// The one message that is not in proto/: protox brings it along, without comments.
    fn document_duration(&mut self) {
        if let Some((_, docs)) = self.messages.get_mut("google.protobuf.Duration") {
            docs.own = "A span of time: `seconds` and `nanos` added, both of one sign.".to_owned();
            docs.parts = vec!["Whole seconds.".to_owned(), "The rest, in nanoseconds.".to_owned()];
        }
    }

    fn add_enum(&mut self, scope: &str, item: &EnumDescriptorProto, comments: &Comments, path: &[i32]) {
        let docs = Docs::new(comments, path, item.value.len());
        self.enums.insert(format!("{scope}.{}", item.name()), (item.clone(), docs));
    }

    /// What depends on the largest message: how wide presence is, and how long the array of numbers.
    fn write_limits(&self, out: &mut String) -> Result<()> {
        let messages = || self.messages.values().map(|(message, _)| message);
        let most_fields = messages().map(|message| message.field.len()).max().unwrap_or(0);
        let highest = messages().flat_map(|message| &message.field).map(|field| field.number()).max();
        let bits = if most_fields <= 64 { "u64" } else { "u128" };
        writeln!(out, "/// One bit for each field of a message, by index.\npub(crate) type Bits = {bits};")?;
        Ok(writeln!(
            out,
            "/// Above every field number.\npub(super) const NUMBERS: usize = {};",
            highest.unwrap_or(0) + 1
        )?)
    }

    fn write_messages(&self, out: &mut String) -> Result<()> {
        for (id, (name, (message, docs))) in self.messages.iter().enumerate() {
            check(name, message)?;
            writeln!(out, "static FIELDS_{id}: [Field; {}] = [", message.field.len())?;
            let mut fields: Vec<_> = message.field.iter().zip(&docs.parts).enumerate().collect();
            fields.sort_by_key(|(_, (field, _))| field.number());
            for (declared, (field, doc)) in fields {
                self.write_field(out, field, declared, doc)?;
            }
            writeln!(out, "];")?;
        }
        writeln!(out, "pub(crate) static MESSAGES: [Message; {}] = [", self.messages.len())?;
        for (id, (name, (message, docs))) in self.messages.iter().enumerate() {
            let oneofs: Vec<_> = message.oneof_decl.iter().map(|oneof| oneof.name()).collect();
            let is_map_entry = is_map_entry(message);
            writeln!(
                out,
                "Message::new({id}, {name:?}, &FIELDS_{id}, &{oneofs:?}, {is_map_entry}, {:?}),",
                docs.own
            )?;
        }
        Ok(writeln!(out, "];")?)
    }

    fn write_field(
        &self,
        out: &mut String,
        field: &FieldDescriptorProto,
        declared: usize,
        doc: &str,
    ) -> Result<()> {
        let kind = kind(field)?;
        let label = match field.label() {
            Label::Optional => "Optional",
            Label::Required => "Required",
            Label::Repeated => "Repeated",
        };
        let child = match kind {
            "Message" => position(&self.messages, field.type_name())?,
            "Enum" => position(&self.enums, field.type_name())?,
            _ => 0,
        };
        let message = self.messages.get(field.type_name().trim_start_matches('.'));
        let is_map = message.is_some_and(|(message, _)| is_map_entry(message));
        let (name, number, oneof) = (field.name(), field.number(), field.oneof_index);
        let deprecated = field.options.as_ref().is_some_and(|options| options.deprecated());
        let (default, has_default) = (self.unset(field)?, field.default_value.is_some());
        Ok(writeln!(
            out,
            "Field {{ name: {name:?}, number: {number}, kind: Kind::{kind}, label: Label::{label}, child: {child}, \
             oneof: {oneof:?}, is_map: {is_map}, default: Default::{default}, has_default: {has_default}, \
             declared: {declared}, deprecated: {deprecated}, doc: {doc:?} }},"
        )?)
    }

    /// What an unset field reads as: the default of the schema, else the kind's zero, for an enum its first value.
    fn unset(&self, field: &FieldDescriptorProto) -> Result<String> {
        let kind = kind(field)?;
        if field.label() == Label::Repeated || kind == "Message" {
            return Ok("None".into());
        }
        let written = field.default_value.as_deref();
        Ok(match kind {
            "Bool" => format!("Bool({})", written.unwrap_or("false")),
            "String" => format!("Str({:?})", written.unwrap_or_default()),
            "Double" => format!("Double({:?})", written.unwrap_or("0").parse::<f64>()?),
            "Int32" | "Int64" => format!("Int({})", written.unwrap_or("0")),
            "Uint32" | "Uint64" => format!("Uint({})", written.unwrap_or("0")),
            "Bytes" if written.is_none() => "Bytes(&[])".into(),
            "Enum" => {
                let (item, _) = &self.enums[field.type_name().trim_start_matches('.')];
                let value = match written {
                    Some(name) => item.value.iter().find(|value| value.name() == name),
                    None => item.value.first(),
                };
                format!("Int({})", value.ok_or("an enum's default is none of its values")?.number())
            }
            _ => {
                return Err(format!("field {}: a default of this type is not supported", field.name()).into());
            }
        })
    }

    fn write_enums(&self, out: &mut String) -> Result<()> {
        writeln!(out, "pub(crate) static ENUMS: [Enum; {}] = [", self.enums.len())?;
        for (id, (name, (item, docs))) in self.enums.iter().enumerate() {
            writeln!(out, "Enum::new({id}, {name:?}, &[")?;
            for (value, doc) in item.value.iter().zip(&docs.parts) {
                let (name, number) = (value.name(), value.number());
                writeln!(out, "EnumValue {{ name: {name:?}, number: {number}, doc: {doc:?} }},")?;
            }
            writeln!(out, "], {:?}),", docs.own)?;
        }
        Ok(writeln!(out, "];")?)
    }

    /// `msg::X` for each message and `field::x::Y` for each of its fields; map entries need neither.
    fn write_names(&self, out: &mut String) -> Result<()> {
        let (mut msg, mut field, mut seen) = (String::new(), String::new(), HashMap::new());
        for (id, (name, (message, _))) in self.messages.iter().enumerate() {
            if is_map_entry(message) {
                continue;
            }
            let constant = constant(name);
            if let Some(other) = seen.insert(constant.clone(), name) {
                return Err(format!("{name} and {other} would both be msg::{constant}").into());
            }
            writeln!(msg, "/// `{name}`\npub(crate) const {constant}: &Message = &MESSAGES[{id}];")?;
            writeln!(field, "/// `{name}`\npub(crate) mod {} {{", constant.to_lowercase())?;
            for item in &message.field {
                writeln!(field, "pub(crate) const {}: u32 = {};", item.name().to_uppercase(), item.number())?;
            }
            writeln!(field, "}}")?;
        }
        Ok(writeln!(
            out,
            "/// Messages by name.\n{UNUSED}\npub(crate) mod msg {{\nuse super::{{MESSAGES, Message}};\n{msg}}}\n\
             /// Field numbers by message and name.\n{UNUSED}\npub(crate) mod field {{\n{field}}}"
        )?)
    }
}

impl Docs {
    /// Fields of a message and values of an enum both are item 2 of their descriptor.
    fn new(comments: &Comments, path: &[i32], parts: usize) -> Self {
        let at = |path: &[i32]| comments.get(path).cloned().unwrap_or_default();
        Docs {
            own: at(path),
            parts: (0..parts).map(|index| at(&[path, &[2, index as i32]].concat())).collect(),
        }
    }
}

/// The comments of a file: what stands above an item, then what follows it on its line.
fn comments(file: &FileDescriptorProto) -> Comments {
    let tidy = |text: &str| {
        let lines = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
        lines.collect::<Vec<_>>().join("\n").trim().to_owned()
    };
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    let documented = locations.filter(|at| at.leading_comments.is_some() || at.trailing_comments.is_some());
    documented
        .map(|at| {
            let texts = [tidy(at.leading_comments()), tidy(at.trailing_comments())];
            let text = texts.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>();
            (at.path.clone(), text.join("\n"))
        })
        .collect()
}

/// What src/wire and src/message rely on.
fn check(name: &str, message: &DescriptorProto) -> Result<()> {
    if message.field.len() > MAX_FIELDS {
        let count = message.field.len();
        return Err(
            format!("{name} has {count} fields: src/message holds presence of at most {MAX_FIELDS}").into()
        );
    }
    if let Some(field) = message.field.iter().find(|field| field.number() > MAX_NUMBER) {
        let (field, number) = (field.name(), field.number());
        return Err(
            format!("{name}.{field} is number {number}: src/wire looks up at most {MAX_NUMBER}").into()
        );
    }
    if is_map_entry(message) && message.field.first().map(|key| key.r#type()) != Some(Type::String) {
        return Err(
            format!("{name} is a map whose keys are not text, which src/wire/json does not know").into()
        );
    }
    if !message.extension_range.is_empty() || !message.extension.is_empty() {
        return Err(format!("{name} has extensions, which src/wire does not know").into());
    }
    Ok(())
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

/// The name of a field's `Kind`.
fn kind(field: &FieldDescriptorProto) -> Result<&'static str> {
    Ok(match field.r#type() {
        Type::Double => "Double",
        Type::Int32 => "Int32",
        Type::Int64 => "Int64",
        Type::Uint32 => "Uint32",
        Type::Uint64 => "Uint64",
        Type::Bool => "Bool",
        Type::String => "String",
        Type::Bytes => "Bytes",
        Type::Enum => "Enum",
        Type::Message => "Message",
        other => return Err(format!("field {}: src/wire has no kind for {other:?}", field.name()).into()),
    })
}

fn position<T>(items: &BTreeMap<String, T>, type_name: &str) -> Result<usize> {
    let name = type_name.trim_start_matches('.');
    items.keys().position(|key| key == name).ok_or_else(|| format!("{type_name} is not defined").into())
}

/// `mesos.v1.Offer.Operation` → `OFFER_OPERATION`, `mesos.v1.scheduler.Call` → `SCHEDULER_CALL`.
fn constant(name: &str) -> String {
    let mut out = String::new();
    let mut previous = '.';
    let mut chars = name.trim_start_matches("mesos.v1.").chars().peekable();
    while let Some(letter) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|next| next.is_ascii_lowercase());
        let starts_word = letter.is_ascii_uppercase()
            && (previous.is_ascii_lowercase()
                || previous.is_ascii_digit()
                || (previous.is_ascii_uppercase() && next_is_lower));
        if starts_word {
            out.push('_');
        }
        out.push(if letter == '.' { '_' } else { letter.to_ascii_uppercase() });
        previous = letter;
    }
    out
}
