//! What in the environment would make libmesos end the process when its first driver is constructed.
//!
//! # Invariants
//! * Only what is known to be wrong is refused: libmesos has the last word on the rest.
//! * libmesos looks only once in a process, and so does this.

use std::net::{IpAddr, Ipv4Addr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The environment: a variable's value, if it is set.
type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Constructs a driver; the first one of the process only in an environment that lets it, and then does `after`.
pub(super) fn first<T>(
    construct: impl FnOnce() -> Result<T, String>,
    after: impl FnOnce() -> Result<(), String>,
) -> Result<T, String> {
    static LOOKED: Mutex<bool> = Mutex::new(false);
    let mut looked = LOOKED.lock().unwrap_or_else(PoisonError::into_inner);
    if *looked {
        drop(looked);
        return construct();
    }
    check(&|name| std::env::var(name).ok())?;
    let made = construct()?;
    after()?;
    *looked = true;
    Ok(made)
}

/// Says what would end the process, naming the variable.
fn check(variable: Variable<'_>) -> Result<(), String> {
    check_logging(variable)?;
    let port = number(variable, "LIBPROCESS_PORT", 0..=65535)?;
    number(variable, "LIBPROCESS_ADVERTISE_PORT", 0..=65535)?;
    number(variable, "LIBPROCESS_NUM_WORKER_THREADS", 1..=1024)?;
    let ip = address(variable, "LIBPROCESS_IP")?;
    address(variable, "LIBPROCESS_ADVERTISE_IP")?;
    for name in ["LIBPROCESS_REQUIRE_PEER_ADDRESS_IP_MATCH", "LIBPROCESS_MEMORY_PROFILING"] {
        if let Some(text) = variable(name) {
            flag(&text).ok_or_else(|| format!("{name}: \"true\" or \"false\" is expected, not {text:?}"))?;
        }
    }
    check_tls(variable)?;
    check_authenticatee(variable)?;
    check_socket(ip, port.unwrap_or(0))
}

fn check_logging(variable: Variable<'_>) -> Result<(), String> {
    if let Some(level) = variable("MESOS_LOGGING_LEVEL")
        && !["INFO", "WARNING", "ERROR"].contains(&level.as_str())
    {
        return Err(format!("MESOS_LOGGING_LEVEL: INFO, WARNING or ERROR is expected, not {level:?}"));
    }
    match variable("MESOS_LOG_DIR") {
        // libmesos makes it, too
        Some(directory) => std::fs::create_dir_all(&directory)
            .map_err(|error| format!("MESOS_LOG_DIR: {directory:?} cannot be made: {error}")),
        None => Ok(()),
    }
}

fn check_tls(variable: Variable<'_>) -> Result<(), String> {
    if variable("LIBPROCESS_SSL_ENABLED").and_then(|text| flag(&text)) != Some(true) {
        return Ok(());
    }
    for name in ["LIBPROCESS_SSL_KEY_FILE", "LIBPROCESS_SSL_CERT_FILE"] {
        let Some(file) = variable(name) else {
            return Err(format!("{name}: it is not set, and LIBPROCESS_SSL_ENABLED is"));
        };
        if !Path::new(&file).is_file() {
            return Err(format!("{name}: there is no file {file:?}"));
        }
    }
    Ok(())
}

fn check_authenticatee(variable: Variable<'_>) -> Result<(), String> {
    let modules = ["MESOS_MODULES", "MESOS_MODULES_DIR"].iter().any(|name| variable(name).is_some());
    match variable("MESOS_AUTHENTICATEE") {
        Some(name) if name != "crammd5" && !modules => Err(format!(
            "MESOS_AUTHENTICATEE: {name:?} is a module, and neither MESOS_MODULES nor MESOS_MODULES_DIR is set"
        )),
        _ => Ok(()),
    }
}

/// libmesos listens for the master, by the address of this host's name if none is given.
fn check_socket(ip: Option<Ipv4Addr>, port: u16) -> Result<(), String> {
    let any = Ipv4Addr::UNSPECIFIED;
    TcpListener::bind((ip.unwrap_or(any), port)).map_err(|error| {
        let ip = ip.map_or_else(|| "any address".into(), |ip| ip.to_string());
        format!("LIBPROCESS_IP, LIBPROCESS_PORT: libmesos could not listen on {ip}, port {port}: {error}")
    })?;
    if ip.is_some_and(|ip| ip != any) {
        return Ok(());
    }
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let found = (name.as_str(), 0).to_socket_addrs();
    if found.is_ok_and(|mut all| all.any(|found| matches!(found.ip(), IpAddr::V4(_)))) {
        return Ok(());
    }
    Err(format!(
        "this host's name, {name:?}, has no IPv4 address, by which the master could reach libmesos; set LIBPROCESS_IP"
    ))
}

fn number(
    variable: Variable<'_>,
    name: &str,
    range: std::ops::RangeInclusive<u16>,
) -> Result<Option<u16>, String> {
    let Some(text) = variable(name) else { return Ok(None) };
    match text.parse().ok().filter(|number| range.contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(format!(
            "{name}: a number from {} to {} is expected, not {text:?}",
            range.start(),
            range.end()
        )),
    }
}

fn address(variable: Variable<'_>, name: &str) -> Result<Option<Ipv4Addr>, String> {
    let Some(text) = variable(name) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| format!("{name}: an IPv4 address is expected, not {text:?}"))
}

/// As Mesos reads them.
fn flag(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(variables: &[(&str, &str)]) -> Result<(), String> {
        // an address, so that no test asks for this host's name
        let all = [variables, &[("LIBPROCESS_IP", "127.0.0.1")]].concat();
        check(&|name| all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn what_would_end_the_process_is_named() {
        for (name, value, words) in [
            ("MESOS_LOGGING_LEVEL", "DEBUG", "INFO, WARNING or ERROR"),
            ("MESOS_LOG_DIR", "/dev/null/logs", "cannot be made"),
            ("LIBPROCESS_PORT", "65536", "0 to 65535"),
            ("LIBPROCESS_ADVERTISE_PORT", "x", "0 to 65535"),
            ("LIBPROCESS_NUM_WORKER_THREADS", "0", "1 to 1024"),
            ("LIBPROCESS_IP", "localhost", "IPv4"),
            ("LIBPROCESS_IP", "192.0.2.1", "could not listen"),
            ("LIBPROCESS_ADVERTISE_IP", "1.2.3", "IPv4"),
            ("LIBPROCESS_MEMORY_PROFILING", "yes", "\"true\" or \"false\""),
            ("LIBPROCESS_SSL_ENABLED", "1", "LIBPROCESS_SSL_KEY_FILE: it is not set"),
            ("MESOS_AUTHENTICATEE", "com_example", "is a module"),
        ] {
            let what = said(&[(name, value)]).unwrap_err();
            assert!(what.contains(words), "{name}={value}: {what}");
        }
        let what = said(&[("LIBPROCESS_SSL_ENABLED", "true"), ("LIBPROCESS_SSL_KEY_FILE", "/missing")]);
        assert!(what.unwrap_err().contains("no file \"/missing\""));
    }

    #[test]
    fn a_port_that_is_taken_is_refused() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        assert!(said(&[("LIBPROCESS_PORT", &port)]).unwrap_err().contains("could not listen"));
    }

    #[test]
    fn what_libmesos_takes_is_taken() {
        said(&[]).unwrap();
        said(&[("LIBPROCESS_PORT", "0"), ("MESOS_LOGGING_LEVEL", "INFO"), ("LIBPROCESS_SSL_ENABLED", "0")])
            .unwrap();
        said(&[("MESOS_AUTHENTICATEE", "com_example"), ("MESOS_MODULES_DIR", "/etc/modules")]).unwrap();
    }
}
