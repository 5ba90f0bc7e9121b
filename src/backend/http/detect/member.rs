//! What masters write into ZooKeeper: a node each, numbered by ZooKeeper, that says where the master is.
//!
//! # Invariants
//! * The lowest number leads, whatever the form of the node: `json.info_0000000042` (JSON), `info_…` (protobuf) or
//!   `…` (text), of the present, past and first versions of Mesos.
//! * What has no number is no master: `log_replicas` lies beside them.

use super::super::master::{Endpoint, Scheme};
use crate::proto::mesos::v1::{self, MasterInfo};
use crate::wire::json::{self, Manner};
use crate::wire::msg;
use prost::Message;
use std::net::Ipv4Addr;

/// The child that leads.
pub(super) fn leading(children: &[String]) -> Option<&str> {
    children.iter().filter_map(|name| Some((sequence(name)?, name))).min().map(|(_, name)| name.as_str())
}

/// ZooKeeper's number of a master's node; it may have run over into the negative.
fn sequence(name: &str) -> Option<i32> {
    name.rsplit('_').next().and_then(|digits| digits.parse().ok())
}

/// Where the master is that wrote `data` into the node `name`, if it is spoken to by `scheme`.
pub(super) fn endpoint(name: &str, data: &[u8], scheme: Scheme) -> Result<Endpoint, String> {
    let found = match name.split_once('_').map(|(label, _)| label) {
        Some("json.info") => {
            let info = json::decode(msg::MASTER_INFO, data, Manner::Mesos).map_err(|error| error.to_string());
            info.and_then(|info| of_info(&info, scheme))
        }
        Some("info") => of_info(data, scheme),
        Some(_) => Err("nodes of this kind are not known here".into()),
        None => of_pid(data, scheme).ok_or_else(|| "it is not master@ip:port".into()),
    };
    found.map_err(|what| format!("the node {name} does not say where the master is: {what}"))
}

/// The address in a `MasterInfo`: by number, unless a certificate has to have it in words.
pub(in crate::backend) fn of_info(info: &[u8], scheme: Scheme) -> Result<Endpoint, String> {
    let info = MasterInfo::decode(info).map_err(|error| error.to_string())?;
    let port = |port: u32| u16::try_from(port).map_err(|_| format!("{port} is not a port"));
    if let Some(v1::Address { ip, hostname, port: number }) = info.address.as_deref()
        && let Some(host) = match scheme {
            Scheme::Http => ip.as_ref().or(hostname.as_ref()),
            Scheme::Https => hostname.as_ref().or(ip.as_ref()),
        }
    {
        return Endpoint::at(scheme, host, port(*number as u32)?);
    }
    if let (Scheme::Https, Some(host)) = (scheme, &info.hostname) {
        return Endpoint::at(scheme, host, port(info.port)?);
    }
    if info.ip == 0 {
        return Err("no address is in it".into());
    }
    // an in_addr: the first byte in memory is the first of the address, on the machines that Mesos runs on
    Endpoint::at(scheme, &Ipv4Addr::from(info.ip.to_le_bytes()).to_string(), port(info.port)?)
}

/// `master@ip:port`
fn of_pid(data: &[u8], scheme: Scheme) -> Option<Endpoint> {
    let (_, address) = std::str::from_utf8(data).ok()?.split_once('@')?;
    let (host, port) = address.rsplit_once(':')?;
    Endpoint::at(scheme, host.trim_matches(['[', ']']), port.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leader(children: &[&str]) -> Option<String> {
        let children: Vec<_> = children.iter().map(|name| (*name).to_owned()).collect();
        leading(&children).map(str::to_owned)
    }

    #[test]
    fn the_lowest_number_leads_whatever_its_label() {
        assert_eq!(leader(&[]), None);
        assert_eq!(leader(&["log_replicas", "x", "json.info_", "json.info_99999999999"]), None);
        let all = ["log_replicas", "json.info_0000000010", "info_0000000009", "0000000011"];
        assert_eq!(leader(&all).as_deref(), Some("info_0000000009"));
        assert_eq!(leader(&["0000000001", "json.info_0000000002"]).as_deref(), Some("0000000001"));
        assert_eq!(leader(&["info_-2147483647", "info_0000000002"]).as_deref(), Some("info_-2147483647"));
    }

    fn found(name: &str, data: impl AsRef<[u8]>) -> String {
        endpoint(name, data.as_ref(), Scheme::Http).map_or_else(|what| what, |endpoint| endpoint.to_string())
    }

    #[test]
    fn a_certificate_has_names() {
        let secure =
            |data: &str| endpoint("json.info_1", data.as_bytes(), Scheme::Https).unwrap().to_string();
        let address = r#""address":{"hostname":"m1","ip":"10.0.0.3","port":5052}"#;
        assert_eq!(secure(&format!(r#"{{"id":"i","ip":1,"port":1,{address}}}"#)), "https://m1:5052");
        assert_eq!(secure(r#"{"id":"i","ip":1,"port":5051,"hostname":"m2"}"#), "https://m2:5051");
        assert_eq!(secure(r#"{"id":"i","ip":33554442,"port":5051}"#), "https://10.0.0.2:5051");
    }

    #[test]
    fn the_address_goes_before_the_packed_one() {
        let info = r#"{"id":"i","ip":33554442,"port":5051,"pid":"master@10.0.0.2:5051","hostname":"m1",
                       "address":{"hostname":"m1","ip":"10.0.0.3","port":5052},"capabilities":[{}]}"#;
        assert_eq!(found("json.info_0000000001", info), "10.0.0.3:5052");
        let no_ip = r#"{"id":"i","ip":1,"port":1,"address":{"hostname":"m1","port":5052}}"#;
        assert_eq!(found("json.info_0000000001", no_ip), "m1:5052");
        let v6 = r#"{"id":"i","ip":1,"port":1,"address":{"ip":"::1","port":5052}}"#;
        assert_eq!(found("json.info_0000000001", v6), "[::1]:5052");
    }

    #[test]
    fn older_forms() {
        let packed = r#"{"id":"i","ip":33554442,"port":5050}"#;
        assert_eq!(found("json.info_0000000001", packed), "10.0.0.2:5050");
        let wire = json::decode(msg::MASTER_INFO, packed.as_bytes(), Manner::Mesos).unwrap();
        assert_eq!(found("info_0000000001", wire), "10.0.0.2:5050");
        assert_eq!(found("0000000001", "master@10.0.0.2:5051"), "10.0.0.2:5051");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (name, data, words) in [
            ("json.info_1", "", "does not say where the master is"),
            ("json.info_1", "{}", "lacks what it must have"),
            ("json.info_1", r#"{"id":"i","ip":0,"port":1}"#, "no address"),
            ("json.info_1", r#"{"id":"i","ip":1,"port":1,"address":{"ip":"a b","port":1}}"#, "not a host"),
            ("json.info_1", r#"{"id":"i","ip":1,"port":70000}"#, "70000 is not a port"),
            ("info_1", "\u{7}", "does not say"),
            ("other_1", "", "kind"),
            ("1", "nothing", "master@ip:port"),
        ] {
            let what = found(name, data);
            assert!(what.contains(words), "{name} {data}: {what}");
        }
    }
}
