//! Certificates in Secrets.

use serde_json::Value;

use super::{each_that, flag, looks};
use crate::doctor::check::{Check, Severity, Verdict};
use crate::doctor::evidence::{Certificate, Evidence};
use crate::doctor::finding::Finding;
use crate::doctor::stall::words::span;
use crate::object::text;

/// The rows.
pub(super) const ROWS: &[Check] = &[
    looks(
        ("C003", Severity::Warning, "a certificate has expired or soon will"),
        [
            "The certificate in a TLS Secret is no longer valid (then it is an error), or ends within 30 days and within the last quarter \
            of its life. Clients refuse an expired one; when a webhook shows it, the API server refuses objects.",
            "Renew it and replace the Secret; when cert-manager keeps it, look at its Certificate and Order.",
            "a certificate that is short-lived by design and has more than a quarter of its life left.",
        ],
        &["Secret"],
        ends,
    ),
    looks(
        ("C004", Severity::Error, "a TLS Secret holds no certificate that can be read"),
        [
            "`tls.crt` is not PEM, or its first block is no certificate. Whoever serves with it falls back to a certificate of \
            its own or does not start.",
            "Replace the Secret: `kubectl create secret tls NAME --cert=FILE --key=FILE`.",
            "a Secret whose `tls.crt` is still empty: somebody is about to fill it.",
        ],
        &["Secret"],
        unreadable,
    ),
];

const SECRET: (&str, &str) = ("", "Secret");
const DAY: i64 = 24 * 3600;
/// From here on it is time to look after an ordinary certificate.
const SOON: i64 = 30 * DAY;

fn has_certificate(secret: &Value) -> bool {
    secret.get(Certificate::PLACE).is_some()
}

fn certificate(secret: &Value) -> Option<Certificate> {
    serde_json::from_value(secret.get(Certificate::PLACE)?.clone()).ok()
}

fn ends(evidence: &Evidence) -> Verdict {
    each_that(evidence, SECRET, has_certificate, |secret, reference| {
        let certificate = certificate(secret)?;
        let now = evidence.taken.as_second();
        let (left, life) =
            (certificate.until.as_second() - now, certificate.until.as_second() - certificate.from.as_second());
        let (what, severity) = if left <= 0 {
            (format!("expired {} ago", days(-left)), Severity::Error)
        } else if left < SOON.min(life / 4) {
            (format!("ends in {}", days(left)), Severity::Warning)
        } else {
            return None;
        };
        let message = format!("the certificate in the Secret `{}` ({}) {what}", reference.name, certificate.subject);
        let fix = format!(
            "Renew it, then `kubectl create secret tls {}{} --cert=FILE --key=FILE --dry-run=client -o yaml | kubectl apply -f -`.",
            reference.name,
            flag(&reference)
        );
        let seen =
            format!("valid from {} to {}, signed by {}", certificate.from, certificate.until, certificate.issuer);
        Some(Finding::new(reference, "CertificateEnds", message).severity(severity).saw(seen).fix(fix))
    })
}

fn days(seconds: i64) -> String {
    if seconds >= 2 * DAY { format!("{} days", seconds / DAY) } else { span(seconds) }
}

fn unreadable(evidence: &Evidence) -> Verdict {
    each_that(evidence, SECRET, has_certificate, |secret, reference| {
        let why = text(secret.get(Certificate::PLACE)?, "/error")?;
        let message = format!("the TLS Secret `{}` holds no certificate that can be read: {why}", reference.name);
        let fix = format!(
            "Replace it: `kubectl create secret tls {}{} --cert=FILE --key=FILE`.",
            reference.name,
            flag(&reference)
        );
        Some(Finding::new(reference, "BadCertificate", message).fix(fix))
    })
}
