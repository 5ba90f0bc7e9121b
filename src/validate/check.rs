//! What Mesos refuses of checks and health checks.

use super::container::command;
use super::{Checked, refuse, unless};
use crate::proto::mesos::v1::{CheckInfo, CommandInfo, HealthCheck, check_info, health_check};

/// `TaskInfo.check`
pub(super) fn check(check: &CheckInfo) -> Checked {
    use check_info::Type;
    let Some(found) = check.r#type.and_then(|number| Type::try_from(number).ok()) else {
        return refuse("CheckInfo must specify 'type'");
    };
    match found {
        Type::Command => match &check.command {
            None => refuse("Expecting 'command' to be set for COMMAND check")?,
            Some(checked) => program(&checked.command, "Command check", "Check's")?,
        },
        Type::Http => match &check.http {
            None => refuse("Expecting 'http' to be set for HTTP check")?,
            Some(http) => path(http.path.as_deref(), "HTTP check")?,
        },
        Type::Tcp => unless(check.tcp.is_none(), "Expecting 'tcp' to be set for TCP check")?,
        Type::Unknown => refuse("'UNKNOWN' is not a valid check type")?,
    }
    not_negative("delay_seconds", check.delay_seconds)?;
    not_negative("interval_seconds", check.interval_seconds)?;
    not_negative("timeout_seconds", check.timeout_seconds)
}

/// `TaskInfo.health_check`. `guessed`: of a LAUNCH, where Mesos makes out the type by what is set.
pub(super) fn health_check(check: &HealthCheck, guessed: bool) -> Checked {
    use health_check::Type;
    let found = check.r#type.and_then(|number| Type::try_from(number).ok());
    let found = found.or(match (&check.command, &check.http) {
        (Some(_), None) if guessed => Some(Type::Command),
        (None, Some(_)) if guessed => Some(Type::Http),
        _ => None,
    });
    let Some(found) = found else { return refuse("HealthCheck must specify 'type'") };
    match found {
        Type::Command => match &check.command {
            None => refuse("Expecting 'command' to be set for COMMAND health check")?,
            Some(command) => program(command, "Command health check", "Health check's")?,
        },
        Type::Http => match &check.http {
            None => refuse("Expecting 'http' to be set for HTTP health check")?,
            Some(http) => {
                if let Some(scheme) =
                    http.scheme.as_deref().filter(|found| !matches!(*found, "http" | "https"))
                {
                    return Err(format!("Unsupported HTTP health check scheme: '{scheme}'"));
                }
                path(http.path.as_deref(), "HTTP health check")?;
            }
        },
        Type::Tcp => unless(check.tcp.is_none(), "Expecting 'tcp' to be set for TCP health check")?,
        Type::Unknown => refuse("'UNKNOWN' is not a valid health check type")?,
    }
    not_negative("delay_seconds", check.delay_seconds)?;
    not_negative("grace_period_seconds", check.grace_period_seconds)?;
    not_negative("interval_seconds", check.interval_seconds)?;
    not_negative("timeout_seconds", check.timeout_seconds)
}

fn program(found: &CommandInfo, what: &str, whose: &str) -> Checked {
    if found.value.is_none() {
        let kind = if found.shell() { "'shell command'" } else { "'executable path'" };
        return Err(format!("{what} must contain {kind}"));
    }
    command(found).map_err(|words| format!("{whose} `CommandInfo` is invalid: {words}"))
}

fn path(path: Option<&str>, what: &str) -> Checked {
    match path {
        Some(path) if !path.starts_with('/') => {
            Err(format!("The path '{path}' of {what} must start with '/'"))
        }
        _ => Ok(()),
    }
}

fn not_negative(name: &str, seconds: Option<f64>) -> Checked {
    match seconds {
        Some(seconds) if seconds < 0.0 => Err(format!("Expecting '{name}' to be non-negative")),
        _ => Ok(()),
    }
}
