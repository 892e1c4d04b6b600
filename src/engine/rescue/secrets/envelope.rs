//! Bytes that only the holders of keys can read, in the format of age (`age-encryption.org/v1`): `age -d -i KEY FILE` reads it, too.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use age::x25519::Recipient;
use age::{DecryptError, Decryptor, EncryptError, Encryptor, Identity, IdentityFile};

use crate::error::Explain;

/// Why something could not be encrypted, or read again.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// What was given is no public key.
    #[error("`{0}` is no public key of age: {1}")]
    NoRecipient(String, &'static str),
    /// The file of the key could not be read.
    #[error("{}: {why}", path.display())]
    NoIdentity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It is for other keys.
    #[error("{}: its key does not open this", .0.display())]
    OtherKey(PathBuf),
    /// What was to be read is damaged, or was never encrypted.
    #[error("it cannot be decrypted: {0}")]
    Broken(String),
    /// Encrypting failed.
    #[error("it cannot be encrypted: {0}")]
    Sealing(String),
}

impl Explain for EnvelopeError {
    fn id(&self) -> &'static str {
        match self {
            Self::NoRecipient(..) => "bad-recipient",
            Self::NoIdentity { .. } => "bad-identity",
            Self::OtherKey(_) => "other-key",
            Self::Broken(_) => "secrets-broken",
            Self::Sealing(_) => "secrets-unsealed",
        }
    }

    fn class(&self) -> crate::error::Class {
        crate::error::Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoRecipient(..) => {
                "`age-keygen -o key.txt` makes a key and says its public part, which begins with age1".to_owned()
            }
            Self::NoIdentity { .. } => {
                "name the file that `age-keygen` has made: a line of it begins with AGE-SECRET-KEY-1".to_owned()
            }
            Self::OtherKey(_) => "name the file with the key whose public part was given when it was saved".to_owned(),
            Self::Broken(_) => "choose another backup with --from; `seaworthy backup list --verify`".to_owned(),
            Self::Sealing(_) => "run the same command again".to_owned(),
        })
    }
}

/// A public key, `age1...`.
///
/// # Errors
/// When it is none.
pub fn recipient(text: &str) -> Result<Recipient, EnvelopeError> {
    // Whoever gives a secret key by mistake is not to find it in a log.
    let shown = if text.to_uppercase().starts_with("AGE-SECRET-KEY-") { "AGE-SECRET-KEY-1..." } else { text };
    text.parse().map_err(|why| EnvelopeError::NoRecipient(shown.to_owned(), why))
}

/// Encrypts: whoever has the key to one of these public keys can read it.
///
/// # Errors
/// When one of them is none, or there is none.
pub fn seal(text: &[u8], recipients: &[String]) -> Result<Vec<u8>, EnvelopeError> {
    let keys = recipients.iter().map(|text| recipient(text)).collect::<Result<Vec<_>, _>>()?;
    let broken = |error: EncryptError| EnvelopeError::Sealing(error.to_string());
    let stopped = |error: std::io::Error| EnvelopeError::Sealing(error.to_string());
    let encryptor = Encryptor::with_recipients(keys.iter().map(|key| key as _)).map_err(broken)?;
    let mut sealed = Vec::new();
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(stopped)?;
    writer.write_all(text).and_then(|()| writer.finish().map(|_| ())).map_err(stopped)?;
    Ok(sealed)
}

/// The keys in a file, as `age-keygen` writes it.
///
/// # Errors
/// When it cannot be read, or holds none.
pub fn identities(path: &Path) -> Result<Vec<Box<dyn Identity + Send + Sync>>, EnvelopeError> {
    let bad = |why: String| EnvelopeError::NoIdentity { path: path.to_owned(), why };
    let text = std::fs::read(path).map_err(|error| bad(error.to_string()))?;
    if text.starts_with(b"age-encryption.org/") || text.starts_with(b"-----BEGIN AGE ENCRYPTED FILE") {
        return Err(bad("it is itself encrypted: decrypt it first, with `age -d`".to_owned()));
    }
    // It names the line, and not what is in it.
    let file = IdentityFile::from_buffer(text.as_slice()).map_err(|error| bad(error.to_string()))?;
    let keys = file.into_identities().map_err(|error| bad(error.to_string()))?;
    if keys.is_empty() { Err(bad("it holds no key".to_owned())) } else { Ok(keys) }
}

/// Reads what was encrypted, with the keys in a file.
///
/// # Errors
/// When none of them opens it, or it is not whole.
pub fn open(sealed: &[u8], identity: &Path) -> Result<Vec<u8>, EnvelopeError> {
    let keys = identities(identity)?;
    let broken = |error: DecryptError| match error {
        DecryptError::NoMatchingKeys => EnvelopeError::OtherKey(identity.to_owned()),
        error => EnvelopeError::Broken(error.to_string()),
    };
    let decryptor = Decryptor::new_buffered(sealed).map_err(broken)?;
    let mut reader = decryptor.decrypt(keys.iter().map(|key| key.as_ref() as &dyn Identity)).map_err(broken)?;
    let mut text = Vec::new();
    reader.read_to_end(&mut text).map_err(|error| EnvelopeError::Broken(error.to_string()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use age::secrecy::ExposeSecret as _;

    fn key(folder: &Path, name: &str) -> (PathBuf, String) {
        let key = age::x25519::Identity::generate();
        let path = folder.join(name);
        std::fs::write(&path, format!("# made for a test\n{}\n", key.to_string().expose_secret())).unwrap();
        (path, key.to_public().to_string())
    }

    #[test]
    fn whoever_has_one_of_the_keys_reads_it_and_nobody_else() {
        let home = tempfile::tempdir().unwrap();
        let [(one, first), (two, second), (three, _)] = ["one", "two", "three"].map(|name| key(home.path(), name));
        let text = "chart ".repeat(30_000);
        let sealed = seal(text.as_bytes(), &[first, second]).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"chart "));
        for key in [&one, &two] {
            assert_eq!(open(&sealed, key).unwrap(), text.as_bytes());
        }
        assert_eq!(open(&sealed, &three).unwrap_err().id(), "other-key");
        for length in [0, 10, 200, sealed.len() - 1] {
            assert_eq!(open(&sealed[..length], &one).unwrap_err().id(), "secrets-broken", "cut off at {length}");
        }
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(open(&changed, &one).unwrap_err().id(), "secrets-broken");
    }

    #[test]
    fn what_is_no_key_is_said_and_a_secret_one_is_not_repeated() {
        let home = tempfile::tempdir().unwrap();
        let (path, _) = key(home.path(), "key");
        let secret = std::fs::read_to_string(&path).unwrap().lines().last().unwrap().to_owned();
        let error = recipient(&secret).unwrap_err();
        assert!(!error.to_string().contains(&secret) && error.hint().unwrap().contains("age-keygen"), "{error}");
        assert_eq!(seal(b"x", &["age1oops".to_owned()]).unwrap_err().id(), "bad-recipient");
        assert_eq!(seal(b"x", &[]).unwrap_err().id(), "secrets-unsealed");
        let file = |text: &str| {
            std::fs::write(&path, text).unwrap();
            identities(&path).err().unwrap().to_string()
        };
        assert!(file("# nothing\n").ends_with("it holds no key"));
        assert!(file("age-encryption.org/v1\n").contains("it is itself encrypted"));
        let line = format!("# fine\nhello {secret}\n");
        assert!(file(&line).contains("line 2") && !file(&line).contains(&secret));
        assert!(identities(Path::new("/nowhere/key")).err().unwrap().to_string().starts_with("/nowhere/key: "));
    }
}
