//! Which names are those of secrets: `DB_PASSWORD`, `apiKey`, `client-key-data`, and not `tokenReview` or `secretName`.

use std::collections::HashSet;
use std::sync::LazyLock;

/// How much a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Whatever stands there is secret: `password`.
    Strong,
    /// It is secret unless it looks like something else: `token`, `secret`, `auth`.
    Weak,
}

/// Words that name a secret whatever stands before them.
const STRONG: &str = "password passwords passwd pass pwd passphrase passcode userpassword dbpassword dbpass rootpassword \
    pgpassword mysqlpwd requirepass masterauth keypass storepass bindpw pw apikey apikeys apitoken accesskey \
    secretkey privatekey privkey authtoken accesstoken refreshtoken clientsecret idtoken psk credential \
    credentials creds authorization mnemonic jsessionid phpsessid sessionid sharedaccesskey accountkey \
    sharedkey masterkey encryptionkey signingkey licensekey authkey sshkey usertoken bottoken \
    sharedaccesssignature secretaccesskey connectionstring";
/// Words that often do, and often mean something else.
const WEAK: &str = "secret secrets token tokens auth jwt bearer cookie signature sig otp cred salt hmac dsn";
/// Before `key` these make it a secret.
const KEYS: &str = "api access secret private client encryption encrypt signing sign master shared account auth license admin \
    ssh rsa hmac webhook session crypto cipher deploy service storage jwt integration ingest ingestion \
    application app server write aes wireguard wg preshared decryption consumer subscription functions \
    function host data";
/// They say nothing about what the word before them names.
const TRANSPARENT: &str = "data value values base64 b64 raw plain plaintext encoded encrypted new old current previous prev hash prod \
    production dev staging test default string text str env var primary secondary confirm confirmation v1 v2";
/// After the name of a secret they name something that is none: `tokenFile`, `secret_name`.
const INNOCENT: &str = "file files filename path paths dir directory folder name names ref refs reference references type types \
    kind ttl expiry expires expired expiration expire seconds minutes hours duration timeout interval period \
    count length len size limit limits max min minimum maximum policy policies url uri endpoint endpoints host \
    port address enabled disabled enable disable required optional method methods mode version algorithm alg \
    ids cleaner controller manager provider providers store stores cache volume volumes mount mounts review \
    reviews request requests response error errors status lifetime rotation signer issuer audience audiences \
    scope scopes usage usages index prefix suffix format source sources class user username users field fields \
    header headers namespace label labels selector template generator plugin plugins module handler server \
    servers client clients config configmap info state total rate budget per used exists valid invalid \
    validation verified check checks checksum created updated changed annotation annotations syncer sync \
    lister informer informers reflector watcher queue resource resources resourceversion age date time \
    timestamp at by for needed missing failed failure failures webhook webhooks mapping mappings rule rules \
    group groups role roles realm region protocol strategy backend context service services proxy domain authn \
    authz approver approved bootstrapper owner authority authenticator authorizer key keys items item list set \
    map change changes engine driver image images id factor encoder decoder encoding complexity history reset \
    prompt hint strength getter setter lookup agent operator pod node dn login command cmd reader loader \
    writer rotator renewal renew refresh revoke revoked cert certificate certificates public pub algorithms \
    param params parameter parameters attempts attempt retries grant grants flow schema table column property \
    properties object objects events event feature gate gates support supported allowed forbidden filter \
    filters bytes chars tokenizer stream begin end start stop position offset distance";

/// The lists, ready to be asked.
struct Lists {
    strong: HashSet<&'static str>,
    weak: HashSet<&'static str>,
    keys: HashSet<&'static str>,
    transparent: HashSet<&'static str>,
    innocent: HashSet<&'static str>,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let set = |words: &'static str| words.split_whitespace().collect();
    Lists {
        strong: set(STRONG),
        weak: set(WEAK),
        keys: set(KEYS),
        transparent: set(TRANSPARENT),
        innocent: set(INNOCENT),
    }
});

/// How much the name says; `None` when it names no secret.
pub(super) fn weight(name: &str) -> Option<Weight> {
    let words = words(name);
    let mut words = words.as_slice();
    // `PASSWORD_2`, `TOKEN_DATA`.
    while let [before @ .., last] = words
        && !before.is_empty()
        && (LISTS.transparent.contains(last.as_str()) || last.chars().all(|letter| letter.is_ascii_digit()))
    {
        words = before;
    }
    let joined = words.concat();
    if LISTS.strong.contains(joined.as_str()) {
        return Some(Weight::Strong);
    }
    if ["secretid", "usersecretid", "vaultsecretid"].contains(&joined.as_str()) {
        return Some(Weight::Strong);
    }
    if LISTS.weak.contains(joined.as_str()) {
        return Some(Weight::Weak);
    }
    let (last, before) = words.split_last()?;
    if last == "key" || last == "keys" {
        let before = before.last()?;
        let is_secret = LISTS.keys.contains(before.as_str())
            || LISTS.strong.contains(before.as_str())
            || LISTS.weak.contains(before.as_str());
        return is_secret.then_some(Weight::Strong);
    }
    if let Some(weight) = of_word(last) {
        return Some(weight);
    }
    if LISTS.innocent.contains(last.as_str()) {
        return None;
    }
    // `TOKEN_GITHUB`, `API_KEY_OPENAI`.
    let rest = words.iter().rev().skip(1);
    let inner = rest.clone().find_map(|word| of_word(word));
    let pair =
        words.windows(2).any(|pair| pair[1] == "key" && LISTS.keys.contains(pair[0].as_str()) && pair[0] != "data");
    inner.or(pair.then_some(Weight::Strong)).map(|_| Weight::Weak)
}

fn of_word(word: &str) -> Option<Weight> {
    if LISTS.strong.contains(word) {
        return Some(Weight::Strong);
    }
    LISTS.weak.contains(word).then_some(Weight::Weak)
}

/// Its words in lower case: at `_`, `-`, `.` and blanks, and where a capital begins a word.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let (mut words, mut word) = (Vec::new(), String::new());
    for (place, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            words.push(std::mem::take(&mut word));
            continue;
        }
        let before = place.checked_sub(1).map(|before| letters[before]);
        let is_hump = letter.is_ascii_uppercase()
            && before.is_some_and(|before| before.is_ascii_lowercase() || before.is_ascii_digit());
        let ends_capitals = letter.is_ascii_uppercase()
            && before.is_some_and(|before| before.is_ascii_uppercase())
            && letters.get(place + 1).is_some_and(char::is_ascii_lowercase);
        if is_hump || ends_capitals {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter.to_ascii_lowercase());
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_names_about_secrets() {
        for name in [
            "password",
            "POSTGRES_PASSWORD",
            "DB_PASS",
            "db.password",
            "spring.datasource.password",
            "PGPASSWORD",
            "passwd",
            "user-pass",
            "API_KEY",
            "apiKey",
            "x-api-key",
            "PREFECT_API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "client-key-data",
            "privateKey",
            "accessKeySecret",
            "JWT_SECRET",
            "SECRET_KEY",
            "AUTH_TOKEN",
            "token",
            "GITHUB_TOKEN",
            "TOKEN_GITHUB",
            "API_KEY_OPENAI",
            "clientSecret",
            "secret_id",
            "Authorization",
            "PASSWORD_2",
            "DB_PASSWORD_PROD",
            "AccountKey",
            "SharedAccessKey",
            "masterauth",
            "refresh_token",
            "id_token",
        ] {
            assert!(weight(name).is_some(), "{name}");
        }
        for name in [
            "secretName",
            "tokenFile",
            "token-ttl",
            "passwordFile",
            "secret_ref",
            "secretKeyRef",
            "imagePullSecretsRef",
            "tokenExpirationSeconds",
            "key",
            "primary_key",
            "publicKey",
            "public-key",
            "cache_key",
            "sortKey",
            "author",
            "authenticated",
            "client-certificate-data",
            "certificate-authority-data",
            "keyboard",
            "tokenReview",
            "token_type",
            "monkey",
            "passed",
            "compass",
            "max_tokens_limit",
            "private-key-file",
            "tls-private-key-file",
            "secretsManager",
            "authorizer",
            "authorization-mode",
            "token-auth-file",
        ] {
            assert_eq!(weight(name), None, "{name}");
        }
    }
}
