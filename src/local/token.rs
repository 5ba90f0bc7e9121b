//! The tokens by which executors prove to their agent who they are: JSON Web Tokens, signed with HMAC-SHA256, as Mesos'.
//!
//! # Invariants
//! * Who has a token could not have made it without the key, which never leaves this process.
//! * A token says of which framework, executor and container it is; whether that is the caller's the agent decides.

use super::clock::Entropy;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// Whose credentials are asked for.
const REALM: &str = r#"Bearer realm="mesos-agent-executor""#;

/// What signs tokens. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Key(hmac::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Whose token it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// the container
    pub(crate) cid: String,
    /// the executor
    pub(crate) eid: String,
    /// the framework
    pub(crate) fid: String,
}

impl Key {
    pub(crate) fn new(entropy: &mut dyn Entropy) -> Self {
        let secret = [entropy.uuid(), entropy.uuid(), entropy.uuid()].concat();
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    pub(crate) fn sign(&self, claims: &Claims) -> String {
        let payload = BASE64.encode(claims.to_json().to_string());
        let signed = format!("{HEADER}.{payload}");
        let signature = BASE64.encode(hmac::sign(&self.0, signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// Whose token a request bears, by its header `Authorization`; or the challenge to bring one.
    pub(crate) fn authenticate(&self, header: Option<&[u8]>) -> Result<Claims, String> {
        let Some(header) = header else { return Err(REALM.into()) };
        let invalid = |what: &str| format!(r#"{REALM}, error="invalid_token", error_description="{what}""#);
        let parts: Vec<_> = header.split(|byte| *byte == b' ').collect();
        match parts[..] {
            [b"Bearer", token] => self.read(token).ok_or_else(|| invalid("Invalid JWT")),
            [_, _] => Err(invalid("Scheme unsupported")),
            _ => Err(invalid("Malformed 'Authorization' header")),
        }
    }

    fn read(&self, token: &[u8]) -> Option<Claims> {
        let end = token.iter().rposition(|byte| *byte == b'.')?;
        let (signed, signature) = (&token[..end], BASE64.decode(&token[end + 1..]).ok()?);
        hmac::verify(&self.0, signed, &signature).ok()?;
        let payload = signed.strip_prefix(HEADER.as_bytes())?.strip_prefix(b".")?;
        let mut claims: BTreeMap<String, String> =
            serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()?;
        Some(Claims { cid: claims.remove("cid")?, eid: claims.remove("eid")?, fid: claims.remove("fid")? })
    }
}

impl Claims {
    fn to_json(&self) -> Value {
        json!({ "cid": self.cid, "eid": self.eid, "fid": self.fid })
    }

    /// What is wrong with a call of this executor in this container by whoever has the token, in Mesos' words.
    pub(crate) fn check(&self, framework: &str, executor: &str, container: &str) -> Result<(), String> {
        let missing = |what: String| Err(format!("Authenticated principal '{self}' does not contain {what}"));
        if self.fid != framework {
            let what = format!("an 'fid' claim with the framework ID {framework}, which is set in the call");
            return missing(what);
        }
        if self.eid != executor {
            let what = format!("an 'eid' claim with the executor ID {executor}, which is set in the call");
            return missing(what);
        }
        if self.cid != container {
            return missing("a 'cid' claim with the correct active ContainerID".into());
        }
        Ok(())
    }
}

impl fmt::Display for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", json!({ "claims": self.to_json() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::clock::SystemEntropy;

    fn claims() -> Claims {
        Claims { cid: "c".into(), eid: "e".into(), fid: "f".into() }
    }

    fn bearer(token: &str) -> Vec<u8> {
        format!("Bearer {token}").into_bytes()
    }

    #[test]
    fn who_has_the_key_made_the_token() {
        let (key, other) = (Key::new(&mut SystemEntropy), Key::new(&mut SystemEntropy));
        let token = key.sign(&claims());
        let header = BASE64.decode(HEADER).unwrap();
        assert_eq!(String::from_utf8(header).unwrap(), r#"{"alg":"HS256","typ":"JWT"}"#);
        assert_eq!(key.authenticate(Some(&bearer(&token))), Ok(claims()));
        other.authenticate(Some(&bearer(&token))).unwrap_err();
        assert!(!format!("{key:?}").contains(char::is_numeric), "a key is not shown");
    }

    #[test]
    fn what_is_no_token_is_challenged() {
        let key = Key::new(&mut SystemEntropy);
        let token = key.sign(&claims());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (head, _) = signed.split_once('.').unwrap();
        let forged = BASE64.encode(br#"{"cid":"c","eid":"another","fid":"f"}"#);
        assert_eq!(key.authenticate(None).unwrap_err(), REALM);
        for header in [
            format!("Bearer {head}.{forged}.{signature}"),
            format!("Bearer {signed}."),
            format!("Bearer {signed}"),
            format!("Basic {token}"),
            "Bearer".into(),
            format!("Bearer {token} more"),
            String::new(),
        ] {
            let words = key.authenticate(Some(header.as_bytes())).unwrap_err();
            assert!(words.starts_with(REALM) && words.contains("invalid_token"), "{header:?}: {words}");
        }
    }

    #[test]
    fn a_token_is_good_for_its_own_executor_only() {
        claims().check("f", "e", "c").unwrap();
        for (framework, executor, container) in [("x", "e", "c"), ("f", "x", "c"), ("f", "e", "x")] {
            let words = claims().check(framework, executor, container).unwrap_err();
            assert!(
                words.starts_with(
                    r#"Authenticated principal '{"claims":{"cid":"c","eid":"e","fid":"f"}}' does not "#
                ),
                "{words}"
            );
        }
    }
}
