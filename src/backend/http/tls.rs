//! TLS of connections to masters: whom to trust, who we are, and words for what goes wrong.
//!
//! # Invariants
//! * Everything wrong with certificates and keys of ours is known before anything is sent.
//! * A key is in no error and no `Debug`.

use super::master::Endpoint;
use crate::error::{Error, Result};
use crate::event::{Failure, FailureKind};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio_rustls::{TlsConnector, rustls};
use unchecked::Unchecked;

mod unchecked;

/// What a user says of TLS: PEM, as read from files. Not `Debug`: it holds a key.
#[derive(Default)]
pub(crate) struct Settings {
    /// certificates of those who vouch for masters; `None` = the system's
    pub(crate) ca: Option<Vec<u8>>,
    /// our certificate, and those between it and one that the master trusts
    pub(crate) cert: Option<Vec<u8>>,
    /// the key of `cert`
    pub(crate) key: Option<Vec<u8>>,
    /// whether masters have to prove who they are
    pub(crate) verify: bool,
    /// the name in the masters' certificates; `None` = the host that is connected to
    pub(crate) server_name: Option<String>,
}

/// How to secure a connection. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

/// What secures one connection: it holds for every other one to the same master.
#[derive(Clone)]
pub(super) struct Secured {
    pub(super) connector: TlsConnector,
    pub(super) name: ServerName<'static>,
}

impl Tls {
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong("tls", &error))?;
        let builder = if settings.verify {
            builder.with_root_certificates(roots(settings.ca.as_deref())?)
        } else {
            let anyone: Arc<dyn ServerCertVerifier> = Arc::new(Unchecked::new(&provider));
            builder.dangerous().with_custom_certificate_verifier(anyone)
        };
        let config = match (&settings.cert, &settings.key) {
            (Some(cert), Some(key)) => builder
                .with_client_auth_cert(certificates("tls.cert", cert)?, private_key(key, &provider)?)
                .map_err(|error| wrong("tls.cert and tls.key do not belong together", &error))?,
            (None, None) => builder.with_no_client_auth(),
            (Some(_), None) => return Err(missing("key", "cert")),
            (None, Some(_)) => return Err(missing("cert", "key")),
        };
        let server_name = settings.server_name.map(|name| {
            ServerName::try_from(name.clone())
                .map_err(|_| Error::Configuration(format!("tls.server_name: {name:?} is no name of a host")))
        });
        Ok(Self { config: Arc::new(config), server_name: server_name.transpose()? })
    }

    /// What secures connections to `endpoint`.
    pub(super) fn secure(&self, endpoint: &Endpoint) -> Result<Secured, String> {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => {
                let host = endpoint.address().0.to_owned();
                ServerName::try_from(host).map_err(|_| "no certificate can have this name".to_owned())?
            }
        };
        Ok(Secured { connector: self.config.clone().into(), name })
    }
}

/// Whom to trust.
fn roots(ca: Option<&[u8]>) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(pem) => {
            for certificate in certificates("tls.ca", pem)? {
                roots.add(certificate).map_err(|error| wrong("tls.ca", &error))?;
            }
        }
        None => {
            // what cannot be read among them is a matter of the system's
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        let words = "tls: this system has no certificates of authorities; say whom to trust, as mesos.TLS(ca=\"file.pem\")";
        return Err(Error::Configuration(words.into()));
    }
    Ok(roots)
}

fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| wrong(what, &error))?;
    if found.is_empty() {
        return Err(Error::Configuration(format!(
            "{what}: there is no certificate in it; PEM is expected, \"-----BEGIN CERTIFICATE-----\""
        )));
    }
    Ok(found)
}

/// The words of the parser are not shown: they may quote the key.
fn private_key(pem: &[u8], provider: &CryptoProvider) -> Result<PrivateKeyDer<'static>> {
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| {
        Error::Configuration(
            "tls.key: there is no private key in it; PEM is expected, \"-----BEGIN PRIVATE KEY-----\", \
             and not encrypted"
                .into(),
        )
    })?;
    let usable = provider.key_provider.load_private_key(key.clone_key());
    usable.map_err(|_| Error::Configuration("tls.key: this kind of key cannot be used".into()))?;
    Ok(key)
}

fn wrong(what: &str, error: &dyn std::error::Error) -> Error {
    Error::Configuration(format!("{what}: {error}"))
}

fn missing(what: &str, beside: &str) -> Error {
    Error::Configuration(format!("tls.{what}: it is missing; {beside} is of use only together with it"))
}

/// What an error of a connection to `who` says of TLS, if it is one of TLS.
pub(super) fn explain(who: &Endpoint, error: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    use rustls::Error as Tls;
    let found = find(error)?;
    let (kind, advice) = match found {
        Tls::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => (
                FailureKind::Authentication,
                "it wants a certificate of ours that it trusts: mesos.TLS(cert=…, key=…)",
            ),
            AlertDescription::HandshakeFailure => (
                FailureKind::Connection,
                "it wants a certificate of ours (mesos.TLS(cert=…, key=…)), or has no cipher of TLS 1.2 or 1.3 \
                 that is safe today",
            ),
            _ => (FailureKind::Connection, "the master ended the handshake"),
        },
        Tls::InvalidMessage(_) => {
            (FailureKind::Connection, "it does not speak TLS; write \"http://…\" if it speaks plain HTTP")
        }
        Tls::InvalidCertificate(_) => (
            FailureKind::Connection,
            "whom to trust and what name to expect is said by mesos.TLS(ca=…, server_name=…)",
        ),
        _ => (FailureKind::Connection, "no TLS connection is possible"),
    };
    Some(Failure { kind, message: format!("{who}: {found}; {advice}") })
}

/// The error of rustls' among an error and its sources.
fn find<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    // an io::Error is not the source of itself, though it holds one
    let inside = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    let inside = inside.map(|inside| inside as &(dyn std::error::Error + 'static));
    inside.or_else(|| error.source()).and_then(find)
}
