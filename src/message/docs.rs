//! What `help()` shows of the message classes: signatures of classes and methods, type and comment of each field.
//!
//! # Invariants
//! * The words are those of `proto/`; only what the schema knows as facts (type, label, default) is added.

use super::desc::path;
use super::names::old_name;
use crate::wire::{Default, Field, Label, Message};
use pyo3::ffi;
use std::ffi::{CStr, CString, c_int};

/// A field's type and the first line of its comment stand on one line if that is no longer.
const WIDTH: usize = 100;

/// The docstring of a class. CPython takes the first line for the signature and cuts it off.
pub(super) fn class(message: &Message, qualified_name: &str) -> String {
    let own = qualified_name.rsplit_once('.').map_or(qualified_name, |(_, own)| own);
    let current = message.fields.iter().map(|field| field.name.to_owned());
    let old = message.fields.iter().filter_map(|field| old_name(message, field));
    let keywords: Vec<_> = current.chain(old).map(|name| format!("{name}=None")).collect();
    let star = if keywords.is_empty() { "" } else { "*, " };
    format!("{own}({star}{})\n--\n\n{}", keywords.join(", "), message.doc)
}

/// The docstring of a method, from what stands beside it: `HasField(name) -> bool`, an empty line, and the text.
/// Its first line becomes a signature as CPython takes it, if it can.
pub(super) fn method(name: &CStr, flags: c_int, doc: &'static CStr) -> &'static CStr {
    let (name, text) = (name.to_string_lossy(), doc.to_string_lossy());
    let (arguments, text) = match text.strip_prefix(&*name).and_then(|rest| rest.split_once("\n\n")) {
        Some((line, text)) => (line.split(" -> ").next().unwrap_or_default(), text),
        None if flags & ffi::METH_NOARGS != 0 => ("()", &*text),
        None => return doc,
    };
    let Some(arguments) = arguments.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) else {
        return doc;
    };
    if arguments.contains('[') {
        return doc; // may be left out, and has no default
    }
    let receiver = if flags & ffi::METH_CLASS == 0 { "$self" } else { "$type" };
    let arguments = match arguments {
        "" => format!("{receiver}, /"),
        positional if flags & ffi::METH_KEYWORDS == 0 => format!("{receiver}, {positional}, /"),
        some if some.contains("/, ") => format!("{receiver}, {some}"),
        keywords => format!("{receiver}, /, {keywords}"),
    };
    c_string(format!("{name}({arguments})\n--\n\n{text}"))
}

/// Text for CPython, which keeps it for ever.
pub(super) fn c_string(text: String) -> &'static CStr {
    // the schema has no zero bytes; should a comment ever get one, it loses it
    let text = CString::new(text.replace('\0', "")).unwrap_or_default();
    Box::leak(text.into_boxed_c_str())
}

/// The docstring of a field: `double, 5.0 if unset. Seconds for which ...`
pub(super) fn field(field: &Field) -> String {
    let map = field.message().filter(|child| child.is_map_entry).map(|entry| entry.fields);
    let kind = match map {
        Some([key, value]) => format!("map of {} to {}", kind_of(key), kind_of(value)),
        _ => kind_of(field),
    };
    let label = match field.label {
        Label::Required => "required ",
        Label::Repeated if map.is_none() => "repeated ",
        _ => "",
    };
    let unset = default(field).map_or(String::new(), |default| format!(", {default} if unset"));
    let end = if field.deprecated { ", deprecated" } else { "" };
    let head = format!("{label}{kind}{unset}{end}.");
    let first = field.doc.lines().next().unwrap_or_default();
    let gap = if head.len() + first.len() > WIDTH { '\n' } else { ' ' };
    format!("{head}{gap}{}", field.doc)
}

/// What an unset field reads as, where that is more than nothing: not zero, not false and not empty.
fn default(field: &Field) -> Option<String> {
    if field.label != Label::Optional {
        return None;
    }
    if let (Some(values), Default::Int(number)) = (field.enumeration(), field.default) {
        let number = i32::try_from(number).ok()?;
        return values.by_number(number).map(|value| value.name.to_owned());
    }
    match field.default {
        Default::Bool(true) => Some("True".to_owned()),
        Default::Int(value) if value != 0 => Some(value.to_string()),
        Default::Uint(value) if value != 0 => Some(value.to_string()),
        Default::Double(value) if value != 0.0 => Some(format!("{value:?}")),
        Default::Str(value) if !value.is_empty() => Some(format!("{value:?}")),
        _ => None,
    }
}

fn kind_of(field: &Field) -> String {
    match (field.message(), field.enumeration()) {
        (Some(child), _) => path(child.name).1.to_owned(),
        (_, Some(values)) => path(values.name).1.to_owned(),
        _ => format!("{:?}", field.kind).to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::msg;

    fn shown(message: &Message, name: &str) -> String {
        let field = &message.fields[message.index_named(name).unwrap()];
        super::field(field).replace(field.doc, "…").replace('\n', " ")
    }

    #[test]
    fn fields_say_type_label_and_default() {
        assert_eq!(shown(msg::TASK_INFO, "task_id"), "required TaskID. …");
        assert_eq!(shown(msg::TASK_INFO, "resources"), "repeated Resource. …");
        assert_eq!(shown(msg::TASK_INFO, "limits"), "map of string to Value.Scalar. …");
        assert_eq!(shown(msg::FILTERS, "refuse_seconds"), "double, 5.0 if unset. …");
        assert_eq!(shown(msg::FRAMEWORK_INFO, "role"), "string, \"*\" if unset, deprecated. …");
        assert_eq!(shown(msg::COMMAND_INFO, "shell"), "bool, True if unset. …");
        assert_eq!(shown(msg::TASK_STATUS, "state"), "required TaskState. …");
        assert_eq!(shown(msg::TASK_STATUS, "message"), "string. …");
    }

    #[test]
    fn methods_begin_with_a_signature_that_can_be_read() {
        let shown = |name, flags, doc| method(name, flags, doc).to_str().unwrap();
        let (none, one) = (ffi::METH_NOARGS, ffi::METH_O);
        assert_eq!(shown(c"Clear", none, c"Clear()\n\nText."), "Clear($self, /)\n--\n\nText.");
        assert_eq!(shown(c"clear", none, c"Text."), "clear($self, /)\n--\n\nText.");
        assert_eq!(shown(c"Has", one, c"Has(name) -> bool\n\nText."), "Has($self, name, /)\n--\n\nText.");
        let doc = c"sort(*, key=None) -> x\n\nText.";
        assert_eq!(shown(c"sort", ffi::METH_KEYWORDS, doc), "sort($self, /, *, key=None)\n--\n\nText.");
        let doc = c"update(other=(), /, **items)\n\nText.";
        let signature = "update($self, other=(), /, **items)\n--\n\nText.";
        assert_eq!(shown(c"update", ffi::METH_KEYWORDS, doc), signature);
        let doc = c"pop(key[, default])\n\nText.";
        assert_eq!(shown(c"pop", ffi::METH_VARARGS, doc), doc.to_str().unwrap());
    }

    #[test]
    fn classes_begin_with_their_signature() {
        let start = |message, name| class(message, name).split("\n--\n\n").next().unwrap().to_owned();
        assert_eq!(start(msg::VALUE_RANGE, "Value.Range"), "Range(*, begin=None, end=None)");
        assert_eq!(
            start(msg::SCHEDULER_CALL_MESSAGE, "Call.Message"),
            "Message(*, agent_id=None, executor_id=None, data=None, slave_id=None)"
        );
    }
}
