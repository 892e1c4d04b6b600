//! What is hidden, what stays, and that hiding again finds nothing more.

use proptest::prelude::*;

use super::*;

fn redactor() -> Redactor {
    Redactor::new(Sealer::with_key([7; 32]), Known::default())
}

fn hidden(text: &str) -> String {
    redactor().text(text).text
}

const PASSWORD: &str = "Tr0ub4dor-und-3";
const KEY: &str = "q7Zp2LkV9xTn4RbW8sYdE1mC6";
const JWT: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";

/// The shapes of which the best known tool leaves nineteen visible, with the secret that each holds.
#[test]
fn the_shapes_that_others_leave_visible() {
    let env =
        |name: &str, value: &str| format!("    {{\n      \"name\": \"{name}\",\n      \"value\": \"{value}\"\n    }}");
    let applied = |name: &str| {
        format!(
            "{{\"annotations\":{{\"last-applied\":\"{{\\\"env\\\":[{{\\\"name\\\":\\\"{name}\\\",\\\"value\\\":\\\"{KEY}\\\"}}]}}\\n\"}}}}"
        )
    };
    let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7Zp2LkV9xTn4RbW8sYdE1mC6hQ\nshort+line/==\n-----END RSA PRIVATE KEY-----";
    let table: [(&str, String, &str); 27] = [
        ("env POSTGRES_PASSWORD", env("POSTGRES_PASSWORD", PASSWORD), PASSWORD),
        (
            "env AWS_SECRET_ACCESS_KEY",
            env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            "wJalr",
        ),
        ("env AUTH_TOKEN", env("AUTH_TOKEN", KEY), KEY),
        ("env API_KEY", env("API_KEY", KEY), KEY),
        ("env PREFECT_API_KEY", env("PREFECT_API_KEY", "pnu_q7Zp2LkV9xTn4RbW8sYdE1mC6hQ3wX5yU7iO"), "pnu_"),
        ("env JWT_SECRET", env("JWT_SECRET", "not-so-s3cret"), "not-so"),
        ("env DB_PASS", env("DB_PASS", "hunter2hunter2"), "hunter2"),
        ("env DATABASE_URL", env("DATABASE_URL", &format!("postgres://app:{PASSWORD}@db:5432/app")), PASSWORD),
        ("last-applied API_KEY", applied("API_KEY"), KEY),
        ("last-applied DB_PASSWORD", applied("DB_PASSWORD"), KEY),
        ("log: Bearer", format!("GET /api Authorization: Bearer {JWT} 200"), "eyJ"),
        ("log: JSON apiKey", format!("{{\"level\":\"info\",\"apiKey\":\"{KEY}\",\"n\":1}}"), KEY),
        ("log: token=", format!("request failed token={KEY} status=500"), KEY),
        ("log: password=", format!("connecting user=app password={PASSWORD} host=db"), PASSWORD),
        ("ADO", format!("Server=db;User Id=app;Password={PASSWORD};Database=app"), PASSWORD),
        ("postgres URL", format!("dial postgres://app:{PASSWORD}@db:5432/app?sslmode=disable"), PASSWORD),
        ("redis URL", format!("redis://:{PASSWORD}@redis:6379"), PASSWORD),
        ("YAML", format!("data:\n  config: |\n    user: app\n    password: {PASSWORD}\n    port: 5432"), PASSWORD),
        (".env", format!("DEBUG=false\nSECRET_KEY={KEY}\nPORT=80"), KEY),
        ("PEM", format!("key:\n{pem}\nnext"), "MIIEpAIB"),
        ("kubeconfig", "    client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlF".to_owned(), "LS0tLS"),
        (
            "k3s token",
            "K10a1b2c3d4e5f60718293a4b5c6d7e8f9a1b2c3d4e5f60718293a4b5c6d7e8f9aa::server:q7Zp2LkV9xTn4RbW".to_owned(),
            "K10a1",
        ),
        (
            "dockerconfigjson",
            "{\"auths\":{\"r.example\":{\"auth\":\"YXBwOlRyMHViNGRvci11bmQtMw==\"}}}".to_owned(),
            "YXBwOl",
        ),
        ("GitHub", "cloning with ghp_q7Zp2LkV9xTn4RbW8sYdE1mC6hQ3wX5yU7iO done".to_owned(), "ghp_"),
        ("Secret", "data:\n  api_key: cTdacDJMa1Y5eFRuNFJiVzhzWWRFMW1DNg==".to_owned(), "cTdac"),
        ("curl -u", format!("+ curl -s -u app:{PASSWORD} https://example.com/x"), PASSWORD),
        ("http URL", format!("fetch https://app:{PASSWORD}@example.com/x failed"), PASSWORD),
    ];
    for (name, text, secret) in table {
        assert!(text.contains(secret), "{name}");
        let left = hidden(&text);
        assert!(!left.contains(secret) && left.contains("<hidden:"), "{name}: {left}");
    }
}

#[test]
fn only_the_secret_goes() {
    let token = |secret: &str| Sealer::with_key([7; 32]).token(secret);
    for (text, secret) in [
        (format!("user=app password={PASSWORD} host=db"), PASSWORD),
        (format!("Server=db;Password={PASSWORD};Database=app"), PASSWORD),
        (format!("postgres://app:{PASSWORD}@db:5432/app"), PASSWORD),
        (format!("{{\"password\":\"{PASSWORD}\",\"user\":\"app\"}}"), PASSWORD),
        (format!("{{\"msg\":\"{{\\\"password\\\":\\\"{PASSWORD}\\\",\\\"user\\\":1}}\"}}"), PASSWORD),
        (format!("password: {PASSWORD} # of the database"), PASSWORD),
        (format!("Authorization: Bearer {JWT}"), JWT),
        (format!("app --password {PASSWORD} --port 80"), PASSWORD),
        (format!("[\"--password\", \"{PASSWORD}\", \"--port\"]"), PASSWORD),
        (format!("<password>{PASSWORD}</password>"), PASSWORD),
        (format!("<add key=\"Password\" value=\"{PASSWORD}\"/>"), PASSWORD),
        (format!("app:{PASSWORD}@tcp(db:3306)/app"), PASSWORD),
        (format!("https://h/x?api_key={KEY}&page=2"), KEY),
        (format!("'password' => '{PASSWORD}',"), PASSWORD),
        (format!("ALTER USER app WITH PASSWORD '{PASSWORD}';"), PASSWORD),
        (format!("requirepass {PASSWORD}"), PASSWORD),
        ("password: [a-b]{c,d}!".to_owned(), "[a-b]{c,d}!"),
        ("password=p@ss,w;rd\"x end".to_owned(), "p@ss,w;rd\"x"),
    ] {
        assert_eq!(hidden(&text), text.replace(secret, &token(secret)));
    }
}

/// Lines of Kubernetes' own parts and of ordinary programs.
#[test]
fn ordinary_lines_stay_as_they_are() {
    for text in [
        "I1120 10:29:17.000000       1 tokencleaner.go:117] \"Starting token cleaner controller\"",
        "E1120 10:29:17 secret.go:189] Couldn't get secret kube-system/bootstrap-token: object not registered",
        "I1120 1 event.go:389] \"Event occurred\" object=\"kube-system/coredns-5d78c9869d-x7k2p\" kind=\"Pod\" reason=\"Scheduled\"",
        "pulled sha256:3b9a1f0c7d2e4a5b8c6d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b in 2s",
        "image=registry.example:5000/app@sha256:3b9a1f0c7d2e4a5b8c6d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
        "uid=5f0c1a9e-7b1d-4c57-9a54-6a1f0d0b7c11 rv=123456 commit 5e12ccb1f8",
        "--token-auth-file=/etc/kubernetes/tokens.csv --tls-private-key-file=/etc/kubernetes/pki/apiserver.key",
        "secretName: web-tls\nserviceAccountToken:\n  expirationSeconds: 3607\n  path: token",
        "env: [{name: A, valueFrom: {secretKeyRef: {name: db, key: password}}}]",
        "FATAL:  password authentication failed for user \"app\"",
        "invalid token: unexpected end of input",
        "tokens: 512, max_tokens=2048, token_type=bearer",
        "MountVolume.SetUp failed for volume \"kube-api-access-x7k2p\" : object \"default\"/\"kube-root-ca.crt\" not registered",
        "GET http://10.96.0.1:443/api/v1/pods?limit=500&resourceVersion=0 200 OK",
        "github.com/prometheus/client_golang/prometheus/promhttp.HandlerFor.func1(0xc000123456)",
        "git clone ssh://git@example.com/x.git and mail to someone@example.com",
        "password: $(DB_PASSWORD)\npassword: ${PW}\npassword: \"\"\npassword: ****",
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ7Zp2LkV9xTn4RbW8sYdE1mC6hQ3wX5yU7iO\n-----END CERTIFICATE-----",
    ] {
        assert_eq!(hidden(text), text);
    }
}

#[test]
fn the_same_secret_has_the_same_token_and_another_key_gives_others() {
    let left = hidden(&format!("password={PASSWORD}\nredis://:{PASSWORD}@h"));
    let tokens: Vec<&str> = left.split("<hidden:").skip(1).filter_map(|rest| rest.split('>').next()).collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0], tokens[1]);
    assert_ne!(Sealer::random().unwrap().token(PASSWORD), Sealer::random().unwrap().token(PASSWORD));
}

#[test]
fn known_values_are_found_in_every_spelling() {
    let secret = "sw0rd/fish \"&\" more";
    let mut values = Values::default();
    values.take("password", secret);
    values.take("username", "administrator");
    values.take("dsn", "mysql://u:inner-pass-1@h/x");
    values.forget(std::iter::once("unrelated"));
    let redactor = Redactor::new(Sealer::with_key([7; 32]), Known::of(values));
    let token = redactor.token(secret);
    let base64 = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    for text in [
        format!("it is {secret} indeed"),
        format!("{}", serde_json::json!({ "said": secret })),
        "q=sw0rd%2Ffish%20%22%26%22%20more".to_owned(),
        "q=sw0rd%2Ffish+%22%26%22+more".to_owned(),
        format!("blob {}", base64(secret)),
    ] {
        let left = redactor.text(&text).text;
        assert!(left.contains(&token), "{text}: {left}");
    }
    for (shift, before) in ["", "u", "us", "user"].iter().enumerate() {
        let whole = base64(&format!("{before}:{secret}:x"));
        let left = redactor.text(&whole).text;
        assert!(left.contains("<hidden:") && !left.contains(&whole[8..24]), "{shift}: {left}");
    }
    assert_eq!(redactor.text("administrator of it").text, "administrator of it");
    assert!(!redactor.text("we saw inner-pass-1 there").text.contains("inner-pass-1"));
}

#[test]
fn a_place_is_told_by_line_and_rule() {
    let left = redactor().text(&format!("a\nb\npassword={PASSWORD}\n\nghp_q7Zp2LkV9xTn4RbW8sYdE1mC6hQ3wX5yU7iO"));
    let places: Vec<(usize, Rule)> = left.hidden.iter().map(|hidden| (hidden.line, hidden.rule)).collect();
    assert_eq!(places, [(3, "named-secret"), (5, "github-token")]);
}

/// What was hidden is no reason to hide what stands around it: each of these became more at a second look.
#[test]
fn what_was_left_once_is_left_again() {
    for text in [
        "password: Aa[ --secret: A;",
        "password: c\"a;secret_key: \\n,",
        "password 0;--secret A:\n",
        "password: we sent the token=q7Zp2LkV9x to them",
    ] {
        let once = redactor().text(text);
        assert!(!once.hidden.is_empty(), "{text}");
        assert_eq!(redactor().text(&once.text), Redacted { text: once.text.clone(), hidden: Vec::new() }, "{text}");
    }
    let left = hidden("password: Aa[ --secret: A;");
    assert!(left.starts_with("password: Aa[ --secret: <hidden:") && left.ends_with(">;"), "{left}");
}

const KNOWN: &str = "known-one1";
const PIECES: &[&str] = &[
    "password",
    "token",
    "api_key",
    "Authorization",
    "Bearer ",
    "--secret",
    "secret_key",
    "DB_PASSWORD",
    "cookie",
    "name",
    "value",
    "https://",
    "a@b",
    "a@tcp(",
    "curl -u a:",
    "'",
    "\"",
    "\\\"",
    ": ",
    "=",
    "\":\"",
    " ",
    "\n",
    "\n  ",
    "\\n",
    ",",
    ";",
    "{",
    "}",
    "[",
    "]",
    "|",
    "foo",
    "true",
    "/x",
    "A1b",
    "p4ss w0rd",
    KEY,
    JWT,
    KNOWN,
    "ghp_q7Zp2LkV9xTn4RbW8sYdE1mC6hQ3wX5yU7iO",
    "-----BEGIN PRIVATE KEY-----",
    "-----END PRIVATE KEY-----",
    "<hidden:1a2b3c4d>",
    "$2a$",
    "é",
];

proptest! {
    /// The last look over a bundle stops the writing, so what was hidden must not be found again.
    #[test]
    fn hiding_again_finds_nothing(
        text in "((password|token|api_key|Authorization|--secret|curl|secret_key)(: |=|\":\"| |: Bearer )[ -~]{0,24}[ \n,;\"']){1,4}",
    ) {
        let redactor = redactor();
        let once = redactor.text(&text).text;
        prop_assert_eq!(redactor.ranges(&once), vec![], "{:?} became {:?}", text, once);
    }

    /// Names, signs, secrets and ends of secrets in whatever order.
    #[test]
    fn hiding_again_finds_nothing_in_ruins(pieces in prop::collection::vec(prop::sample::select(PIECES), 1..14)) {
        let mut values = Values::default();
        values.take("password", KNOWN);
        let redactor = Redactor::new(Sealer::with_key([7; 32]), Known::of(values));
        let text = pieces.concat();
        let once = redactor.text(&text).text;
        prop_assert_eq!(redactor.ranges(&once), vec![], "{:?} became {:?}", text, once);
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC*(://|password|-----BEGIN |eyJ|curl -u|@tcp\\(|K10|\\\\\"|\n)\\PC*") {
        let _ = redactor().text(&text);
    }
}
