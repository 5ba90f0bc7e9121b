//! Cuts a descriptor set down to some messages and all that they hold.
//!
//! # Invariants
//! * What is left is closed: no field names a type that was cut.
//! * A message that is only the scope of a kept one stays, without fields.

use crate::Result;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};
use std::collections::{HashMap, HashSet};

/// Keeps the messages named in `roots` (full names with a leading dot) and what is reachable from them.
pub(crate) fn prune(mut set: FileDescriptorSet, roots: &[&str]) -> Result<FileDescriptorSet> {
    let messages = by_name(&set);
    let mut kept = HashSet::new();
    let mut pending: Vec<String> = roots.iter().map(|root| root.to_string()).collect();
    while let Some(name) = pending.pop() {
        if !kept.insert(name.clone()) {
            continue;
        }
        match messages.get(&name) {
            Some(message) => pending.extend(message.field.iter().filter_map(|field| field.type_name.clone())),
            None if roots.contains(&name.as_str()) => return Err(format!("{name} is not in proto/").into()),
            None => {} // an enum
        }
    }
    for file in &mut set.file {
        let scope = format!(".{}", file.package());
        cut(&scope, &mut file.message_type, &mut file.enum_type, &kept);
        file.source_code_info = None; // it counts by position, and positions have changed
    }
    set.file.retain(|file| !file.message_type.is_empty() || !file.enum_type.is_empty());
    Ok(set)
}

/// Singular fields whose message has more than one field. prost would put them inline (an `Event` of a kilobyte),
/// and moving such structs about costs more than a box each: prost's decoding is 1.8 times as fast with them.
pub(crate) fn large_fields(set: &FileDescriptorSet) -> Vec<String> {
    let messages = by_name(set);
    let mut found = Vec::new();
    for (name, message) in &messages {
        for field in &message.field {
            let large = messages.get(field.type_name()).is_some_and(|child| child.field.len() > 1);
            let inline = field.label() != Label::Repeated && field.oneof_index.is_none();
            if field.r#type() == Type::Message && large && inline {
                found.push(format!("{name}.{}", field.name()));
            }
        }
    }
    found
}

/// All messages by full name, with a leading dot as in `type_name`.
fn by_name(set: &FileDescriptorSet) -> HashMap<String, DescriptorProto> {
    fn collect(scope: &str, messages: &[DescriptorProto], found: &mut HashMap<String, DescriptorProto>) {
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            collect(&name, &message.nested_type, found);
            found.insert(name, message.clone());
        }
    }
    let mut found = HashMap::new();
    for file in &set.file {
        collect(&format!(".{}", file.package()), &file.message_type, &mut found);
    }
    found
}

fn cut(
    scope: &str,
    messages: &mut Vec<DescriptorProto>,
    enums: &mut Vec<EnumDescriptorProto>,
    kept: &HashSet<String>,
) {
    enums.retain(|item| kept.contains(&format!("{scope}.{}", item.name())));
    messages.retain_mut(|message| {
        let name = format!("{scope}.{}", message.name());
        cut(&name, &mut message.nested_type, &mut message.enum_type, kept);
        if kept.contains(&name) {
            return true;
        }
        message.field.clear();
        message.oneof_decl.clear();
        !message.nested_type.is_empty() || !message.enum_type.is_empty()
    });
}
