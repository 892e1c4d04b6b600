//! What a certificate says publicly: until when, of whom, by whom.

use jiff::Timestamp;
use k8s_openapi::ByteString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use x509_parser::pem::Pem;

use crate::object::printable;

/// The first certificate of a `tls.crt`: the one that a server shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Certificate {
    /// Not valid before.
    pub from: Timestamp,
    /// Not valid after.
    pub until: Timestamp,
    /// Whom it names: `CN=shop.example`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
}

impl Certificate {
    /// Where the facts are kept in the evidence of a Secret, whose values are not.
    pub const PLACE: &'static str = "seaworthy.dev/certificate";

    /// Reads the value of `tls.crt` as it stands in a Secret's JSON: base64 of PEM.
    ///
    /// # Errors
    /// What is wrong with it, in words; never its content.
    pub(super) fn of_secret(encoded: &str) -> Result<Self, &'static str> {
        let bytes: ByteString = serde_json::from_value(json!(encoded)).map_err(|_| "it is not base64")?;
        Self::of_pem(&bytes.0)
    }

    fn of_pem(bytes: &[u8]) -> Result<Self, &'static str> {
        let pem = Pem::iter_from_buffer(bytes).next().ok_or("it holds no PEM block")?.map_err(|_| "it is not PEM")?;
        if pem.label != "CERTIFICATE" {
            return Err("its first PEM block is no certificate");
        }
        let certificate = pem.parse_x509().map_err(|_| "its certificate cannot be read")?;
        let validity = certificate.validity();
        let time = |seconds| Timestamp::from_second(seconds).map_err(|_| "its times are out of range");
        Ok(Self {
            from: time(validity.not_before.timestamp())?,
            until: time(validity.not_after.timestamp())?,
            subject: printable(&certificate.subject().to_string()),
            issuer: printable(&certificate.issuer().to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_tells_its_times() {
        let made = rcgen::generate_simple_self_signed(vec!["shop.example".to_owned()]).unwrap();
        let read = Certificate::of_pem(made.cert.pem().as_bytes()).unwrap();
        assert!(read.from < read.until, "{read:?}");
        assert!(read.subject.contains("rcgen"), "{read:?}");
    }

    #[test]
    fn what_is_no_certificate_is_told_without_its_content() {
        for (bytes, expected) in [
            ("", "it holds no PEM block"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "its certificate cannot be read"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "its first PEM block is no certificate"),
        ] {
            assert_eq!(Certificate::of_pem(bytes.as_bytes()), Err(expected));
        }
        assert_eq!(Certificate::of_secret("%%%"), Err("it is not base64"));
    }
}
