//! Names of roles: which there can be, and that they are a tree.

/// Why Mesos would refuse the name of a role, in its words.
pub(crate) fn check(role: &str) -> Result<(), String> {
    let refuse = |why: &str| Err(format!("Role '{role}' {why}"));
    let refuse_component =
        |component: &str, why: &str| Err(format!("Role component '{component}' is invalid because it {why}"));
    if role == "*" {
        return Ok(());
    }
    if role.starts_with('/') {
        return refuse("cannot start with a slash");
    }
    if role.ends_with('/') {
        return refuse("cannot end with a slash");
    }
    if role.contains("//") {
        return refuse("cannot contain two adjacent slashes");
    }
    if role.is_empty() {
        return Err("Role names cannot be the empty string".into());
    }
    for component in role.split('/') {
        match component {
            "." | ".." | "*" => return refuse(&format!("cannot include '{component}' as a component")),
            _ if component.starts_with('-') => return refuse_component(component, "starts with a dash"),
            _ if component.contains(['\t', '\n', '\x0b', '\x0c', '\r', ' ', '\x7f']) => {
                return refuse_component(component, "contains backspace or whitespace");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether `role` lies below `ancestor`: `eng/web` below `eng`.
pub(crate) fn is_below(role: &str, ancestor: &str) -> bool {
    role.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'))
}
