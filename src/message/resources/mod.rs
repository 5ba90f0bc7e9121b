//! `mesos.Resources`: the bag of `wire::resources` as a Python sequence of messages.
//!
//! # Invariants
//! * It never changes.

mod arguments;
mod messages;

use super::errors;
use crate::wire::resources::{self, Item, Quantity, Resources};
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyIndexError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyIterator, PyList, PySlice, PyTuple, PyType};
use std::collections::{BTreeMap, BTreeSet};

pub(super) use messages::{each_encoded, messages};

/// What a task needs or an agent has: a sequence of mesos.Resource that can be added, subtracted and compared.
///
///     Resources("cpus:1;mem:32;ports:[31000-32000]")
///     Resources(cpus=0.1, mem=32, ports=[(31000, 31005)])
///     Resources(offer.resources)
///
///     need = mesos.Resources(cpus=0.1, mem=32)
///     left = mesos.Resources(offer.resources)
///     while need in left:
///         tasks.append(mesos.TaskInfo(..., resources=need))
///         left -= need
///
/// Args:
///     spec: text, messages or dicts. Text is what the agent's option --resources takes: name:value or
///         name(role):value, parted by ";", where a value is a number, ranges [1-5,7-9], or a set {a,b}; or
///         a JSON array of resources. Messages and dicts are mesos.Resource, one or several; other Resources,
///         and the repeated fields of messages.
///     role: the role for which those are reserved (statically) that name none. "*" is none.
///     **named: a number (mem and disk in MB), ranges as pairs (begin, end) or range objects, both ends of a
///         pair included, or a set of names.
///
/// Accepted wherever a repeated Resource is. As in Mesos, numbers are rounded to three decimals, what is of one kind
/// is added up, and nothing is kept of what is 0 or empty; reserved resources have `reservations`, also where a
/// message had the older `role`. Two resources are of one kind if they have the same name, type, reservations,
/// disk, provider and allocation, and are both revocable or not. MOUNT and BLOCK disks and persistent volumes stay
/// apart and whole; shared volumes are counted.
///
/// The resources of an offer say to which role they are allocated, and those of a task need not: `in`, `-`, `<=` and
/// find() then take them from whatever is offered, as the master does. `+` and `==` tell them apart; unallocated()
/// forgets it.
///
/// Resources are immutable and may be used by any thread; a message taken out of them is a copy. Raises ValueError
/// for what Mesos would refuse and TypeError for what is no resource, naming the resource and the value.
#[pyclass(frozen, sequence, module = "mesos", name = "Resources")]
pub(crate) struct PyResources {
    bag: Resources,
    encoded: PyOnceLock<messages::Encoded>,
}

impl From<Resources> for PyResources {
    fn from(bag: Resources) -> Self {
        Self { bag, encoded: PyOnceLock::new() }
    }
}

fn floats(scalars: BTreeMap<&str, i64>) -> BTreeMap<&str, f64> {
    scalars.into_iter().map(|(name, thousandths)| (name, resources::number(thousandths))).collect()
}

impl PyResources {
    fn scalar(&self, name: &str) -> f64 {
        self.bag.scalars().get(name).copied().map_or(0.0, resources::number)
    }

    /// Those that are `meant`.
    fn filter(&self, meant: impl Fn(&Item) -> bool) -> Self {
        self.bag.filter(meant).into()
    }

    /// What an operator's other side is; None if Python shall ask that side.
    fn operand(value: &Bound<'_, PyAny>) -> PyResult<Option<Resources>> {
        arguments::resources(value, None)
    }
}

#[pymethods]
impl PyResources {
    #[new]
    #[pyo3(signature = (*spec, role = None, **named), text_signature = "(spec=(), /, *, role=None, **named)")]
    fn new(
        spec: &Bound<'_, PyTuple>,
        role: Option<&Bound<'_, PyAny>>,
        named: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        if spec.len() > 1 {
            return Err(PyTypeError::new_err(
                "resources: expected one argument, and others by keyword: Resources([one, two], cpus=1)",
            ));
        }
        let role = role.map(arguments::role).transpose()?;
        let mut bag = Resources::default();
        for spec in spec {
            bag.add(
                &arguments::resources(&spec, role.as_deref())?
                    .ok_or_else(|| arguments::no_resources(&spec))?,
            );
        }
        for (name, value) in named.into_iter().flatten() {
            bag.put(arguments::named(&name, &value, role.as_deref())?);
        }
        Ok(bag.into())
    }

    /// Total amounts by name, of all scalars: {"cpus": 4.0, "mem": 512.0}. A shared volume counts once.
    fn scalars(&self) -> BTreeMap<&str, f64> {
        floats(self.bag.scalars())
    }

    /// How many CPUs, reserved or not; 0.0 if none.
    #[getter]
    fn cpus(&self) -> f64 {
        self.scalar("cpus")
    }

    /// How much memory in MB, reserved or not; 0.0 if none.
    #[getter]
    fn mem(&self) -> f64 {
        self.scalar("mem")
    }

    /// How much disk in MB, volumes included, reserved or not; 0.0 if none.
    #[getter]
    fn disk(&self) -> f64 {
        self.scalar("disk")
    }

    /// How many GPUs, reserved or not; 0.0 if none.
    #[getter]
    fn gpus(&self) -> f64 {
        self.scalar("gpus")
    }

    /// The ports as a list of pairs (begin, end), both included, in order.
    #[getter]
    fn ports(&self) -> Vec<(u64, u64)> {
        self.ranges("ports")
    }

    /// The ranges of that name, reserved or not, as a list of pairs (begin, end), both included, in order.
    #[pyo3(signature = (name, /))]
    fn ranges(&self, name: &str) -> Vec<(u64, u64)> {
        let own = |item: &Item| match &item.quantity {
            Quantity::Ranges(ranges) if item.kind.name == name => Some(ranges.clone()),
            _ => None,
        };
        match Quantity::ranges(self.bag.items().iter().filter_map(own).flatten().collect()) {
            Quantity::Ranges(ranges) => ranges,
            _ => Vec::new(),
        }
    }

    /// The members of the sets of that name, reserved or not.
    #[pyo3(signature = (name, /))]
    fn members(&self, name: &str) -> BTreeSet<String> {
        let own = |item: &Item| match &item.quantity {
            Quantity::Set(items) if item.kind.name == name => Some(items.clone()),
            _ => None,
        };
        self.bag.items().iter().filter_map(own).flatten().collect()
    }

    /// Those with one of the names: resources.named("cpus", "mem").
    #[pyo3(signature = (*names))]
    fn named(&self, names: Vec<String>) -> Self {
        self.filter(|item| names.contains(&item.kind.name))
    }

    /// Those reserved for a role, or, without one, for any. Of several reservations the last one counts.
    #[pyo3(signature = (role = None))]
    fn reserved(&self, role: Option<&str>) -> Self {
        self.filter(|item| item.kind.role().is_some_and(|own| role.is_none_or(|role| role == own)))
    }

    /// Those that are not reserved.
    fn unreserved(&self) -> Self {
        self.filter(|item| item.kind.role().is_none())
    }

    /// Those that Mesos may take back at any time.
    fn revocable(&self) -> Self {
        self.filter(|item| item.kind.revocable)
    }

    /// Those that Mesos may not take back at any time.
    fn nonrevocable(&self) -> Self {
        self.filter(|item| !item.kind.revocable)
    }

    /// The persistent volumes.
    fn persistent_volumes(&self) -> Self {
        self.filter(|item| item.kind.is_volume())
    }

    /// All of them, allocated to a role, as those of an offer are. Raises ValueError if there can be no such role.
    #[pyo3(signature = (role, /))]
    fn allocated(&self, role: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(self.bag.allocated(Some(&arguments::role(role)?)).into())
    }

    /// All of them, allocated to nobody: what is alike but for the role is added up.
    fn unallocated(&self) -> Self {
        self.bag.allocated(None).into()
    }

    /// Whether all of other is in here, so that a task could have it: the same as `other in resources`.
    #[pyo3(signature = (other, /))]
    fn contains(&self, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        let other = Self::operand(other)?.ok_or_else(|| arguments::no_resources(other))?;
        Ok(self.bag.contains(&other))
    }

    /// Of these, what makes up for other whatever it is reserved for; None if there is not enough.
    ///
    ///     found = left.find(mesos.Resources(cpus=2, mem=64))
    ///     if found is not None:
    ///         tasks.append(mesos.TaskInfo(..., resources=found))
    ///         left -= found
    ///
    /// Taken are those reserved for the role that other names, then unreserved ones, then any others.
    #[pyo3(signature = (other, /))]
    fn find(&self, other: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let other = Self::operand(other)?.ok_or_else(|| arguments::no_resources(other))?;
        Ok(self.bag.find(&other).map(Self::from))
    }

    fn __contains__(&self, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.contains(other)
    }

    // no __radd__: it would come before a list's own +=
    fn __add__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        with(other, |other| {
            let mut sum = self.bag.clone();
            sum.add(other);
            sum
        })
    }

    /// What is left of these without other. What other has more of is ignored: ask `in` before.
    fn __sub__<'py>(&self, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        with(other, |other| {
            let mut rest = self.bag.clone();
            rest.subtract(other);
            rest
        })
    }

    /// `==`: the same resources, in whatever order, also of a list; `<=`: whether all of these are in other.
    fn __richcmp__(
        &self,
        py: Python<'_>,
        other: &Bound<'_, PyAny>,
        operator: CompareOp,
    ) -> PyResult<Py<PyAny>> {
        let equality = matches!(operator, CompareOp::Eq | CompareOp::Ne);
        let other = if equality { arguments::sequence(other)? } else { Self::operand(other)? };
        let Some(other) = other else { return Ok(py.NotImplemented()) };
        let answer = match operator {
            CompareOp::Eq => self.bag == other,
            CompareOp::Ne => self.bag != other,
            CompareOp::Le => other.contains(&self.bag),
            CompareOp::Ge => self.bag.contains(&other),
            CompareOp::Lt => other.contains(&self.bag) && self.bag != other,
            CompareOp::Gt => self.bag.contains(&other) && self.bag != other,
        };
        Ok(pyo3::types::PyBool::new(py, answer).to_owned().into_any().unbind())
    }

    fn __len__(&self) -> usize {
        self.size()
    }

    fn __bool__(&self) -> bool {
        !self.bag.is_empty()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.items(py)?)?.try_iter()
    }

    /// The resource at a position, as a message of its own; of a slice, those as Resources.
    fn __getitem__<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = key.py();
        if key.is_instance_of::<PySlice>() {
            let chosen = PyList::new(py, self.items(py)?)?.as_any().get_item(key)?;
            let chosen = arguments::resources(&chosen, None)?.unwrap_or_default();
            return Ok(Bound::new(py, Self::from(chosen))?.into_any());
        }
        let no_index = || PyIndexError::new_err("resources: index out of range");
        let index: isize = key.extract().map_err(|error: PyErr| {
            if !error.is_instance_of::<PyTypeError>(py) {
                return no_index();
            }
            PyTypeError::new_err(format!(
                "resources: an index is an int or a slice, not {}; .scalars(), .ranges(name) and .members(name) \
                 read by name",
                errors::describe(key)
            ))
        })?;
        let at = if index < 0 { index.checked_add_unsigned(self.__len__()) } else { Some(index) };
        let at = at.and_then(|at| usize::try_from(at).ok()).ok_or_else(no_index)?;
        self.item(py, at)?.ok_or_else(no_index)
    }

    fn __reversed__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.items(py)?.into_iter().rev())?.try_iter()
    }

    /// The position of the first message that is equal. Raises ValueError if there is none.
    #[pyo3(signature = (*arguments), text_signature = "($self, resource, start=0, stop=9223372036854775807, /)")]
    fn index<'py>(&self, arguments: &Bound<'py, PyTuple>) -> PyResult<Bound<'py, PyAny>> {
        PyList::new(arguments.py(), self.items(arguments.py())?)?.call_method1("index", arguments)
    }

    /// How many of the messages are equal to resource.
    #[pyo3(signature = (resource, /))]
    fn count<'py>(&self, resource: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = resource.py();
        PyList::new(py, self.items(py)?)?.call_method1("count", (resource,))
    }

    /// The text that Resources() makes the same of: "cpus:4;mem(web):512", or JSON where that cannot say it all.
    fn __str__(&self) -> String {
        resources::text(&self.bag)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = pyo3::types::PyString::new(py, &self.__str__());
        Ok(format!("Resources({})", text.repr()?))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (_memo, /))]
    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    /// For pickle: the class and its messages.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyType>, (Bound<'py, PyList>,))> {
        Ok((py.get_type::<Self>(), (PyList::new(py, self.items(py)?)?,)))
    }
}

/// The result of an operator, if the other side is resources.
fn with<'py>(
    other: &Bound<'py, PyAny>,
    compute: impl FnOnce(&Resources) -> Resources,
) -> PyResult<Bound<'py, PyAny>> {
    let py = other.py();
    match PyResources::operand(other)? {
        Some(other) => Ok(Bound::new(py, PyResources::from(compute(&other)))?.into_any()),
        None => Ok(py.NotImplemented().into_bound(py)),
    }
}

/// A refusal of the arithmetic, which names the resource.
fn refused(why: String) -> PyErr {
    PyValueError::new_err(format!("resources: {why}"))
}
