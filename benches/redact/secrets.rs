//! Secrets as chance and those who issue them make them, in the places where they stand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
/// A text with a secret in it; all parts of it have to be gone.
pub(crate) struct Sample {
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) secrets: Vec<String>,
}

/// Chance that is the same each time (splitmix64).
pub(crate) struct Chance(u64);

const LOWER: &str = "[a-z0-9]";
const MIXED: &str = "[A-Za-z0-9]";
/// What password generators offer, without blanks.
const SIGNS: &str = "[A-Za-z0-9!#$%&()*+,./:;<=>?@^_~-]";
const SAFE: &str = "[A-Za-z0-9!*_.~-]";

/// Formats as the issuers publish them.
const FORMATS: &[(&str, &str)] = &[
    ("github classic", "gh[pousr]_[A-Za-z0-9]{36}"),
    ("github fine-grained", "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"),
    ("gitlab", "glpat-[A-Za-z0-9_-]{20}"),
    ("gitlab runner", "glrt-[A-Za-z0-9_-]{20}"),
    ("aws access key", "(AKIA|ASIA)[A-Z2-7]{15}[2-7]"),
    ("aws secret key", "[A-Za-z0-9/+]{40}"),
    ("google api key", "AIza[0-9A-Za-z_-]{35}"),
    ("google oauth secret", "GOCSPX-[A-Za-z0-9_-]{28}"),
    ("google access token", "ya29\\.a0[0-9A-Za-z_-]{100}"),
    ("slack bot", "xoxb-[0-9]{11}-[0-9]{12}-[A-Za-z0-9]{24}"),
    ("slack app", "xapp-1-A[A-Z0-9]{10}-[0-9]{13}-[a-f0-9]{64}"),
    ("slack webhook", "https://hooks\\.slack\\.com/services/T[A-Z0-9]{10}/B[A-Z0-9]{10}/[A-Za-z0-9]{24}"),
    ("stripe", "(sk|rk)_live_[A-Za-z0-9]{24}"),
    ("stripe webhook", "whsec_[A-Za-z0-9]{32}"),
    ("openai project", "sk-proj-[A-Za-z0-9_-]{74}T3BlbkFJ[A-Za-z0-9_-]{74}"),
    ("openai", "sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    ("anthropic", "sk-ant-api03-[A-Za-z0-9_-]{93}AA"),
    ("sendgrid", "SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}"),
    ("mailgun", "key-[a-f0-9]{32}"),
    ("brevo", "xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    ("twilio key", "SK[0-9a-f]{32}"),
    ("npm", "npm_[A-Za-z0-9]{36}"),
    ("pypi", "pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{120}"),
    ("rubygems", "rubygems_[a-f0-9]{48}"),
    ("docker hub", "dckr_pat_[A-Za-z0-9_-]{27}"),
    ("hugging face", "hf_[A-Za-z]{34}"),
    ("vault", "hvs\\.[A-Za-z0-9_-]{90}"),
    ("terraform cloud", "[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9]{67}"),
    ("digitalocean", "dop_v1_[a-f0-9]{64}"),
    ("shopify", "shp(at|ca|pa|ss)_[a-f0-9]{32}"),
    ("square", "sq0atp-[A-Za-z0-9_-]{22}"),
    ("postman", "PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    ("linear", "lin_api_[A-Za-z0-9]{40}"),
    ("notion", "ntn_[0-9]{11}[A-Za-z0-9]{35}"),
    ("databricks", "dapi[a-f0-9]{32}"),
    ("grafana service account", "glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
    ("new relic", "NRAK-[A-Z0-9]{27}"),
    ("sentry", "sntryu_[a-f0-9]{64}"),
    ("posthog", "phc_[A-Za-z0-9]{43}"),
    ("pulumi", "pul-[a-f0-9]{40}"),
    ("age", "AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    ("prefect", "pnu_[A-Za-z0-9]{36}"),
    ("figma", "figd_[A-Za-z0-9_-]{40}"),
    ("doppler", "dp\\.pt\\.[A-Za-z0-9]{43}"),
    ("tailscale", "tskey-auth-[A-Za-z0-9]{12}CNTRL-[A-Za-z0-9]{32}"),
    ("contentful", "CFPAT-[A-Za-z0-9_-]{43}"),
    ("planetscale", "pscale_tkn_[A-Za-z0-9_-]{43}"),
    ("supabase", "sbp_[a-f0-9]{40}"),
    ("replicate", "r8_[A-Za-z0-9]{37}"),
    ("groq", "gsk_[A-Za-z0-9]{52}"),
    ("atlassian", "ATATT3xFfGF0[A-Za-z0-9_-]{171}=[A-F0-9]{8}"),
    ("artifactory", "AKCp[A-Za-z0-9]{69}"),
    ("alibaba", "LTAI[A-Za-z0-9]{20}"),
    ("buildkite", "bkua_[a-f0-9]{40}"),
    ("circleci", "CCIPAT_[A-Za-z0-9]{22}_[a-f0-9]{40}"),
    ("airtable", "pat[A-Za-z0-9]{14}\\.[a-f0-9]{64}"),
    ("telegram bot", "[0-9]{10}:AA[A-Za-z0-9_-]{33}"),
    ("discord bot", "M[A-Za-z0-9]{23}\\.[A-Za-z0-9_-]{6}\\.[A-Za-z0-9_-]{38}"),
    ("dynatrace", "dt0c01\\.[A-Z2-7]{24}\\.[A-Z2-7]{64}"),
    ("typeform", "tfp_[A-Za-z0-9_.-]{58}[A-Za-z0-9]"),
    ("k3s node token", "K10[a-f0-9]{64}::server:[a-f0-9]{32}"),
    ("azure storage key", "[A-Za-z0-9+/]{86}=="),
    (
        "jwt",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6I[A-Za-z0-9]{20}\\.eyJpc3MiOiJrdWJlcm5ldGVz[A-Za-z0-9_-]{120}\\.[A-Za-z0-9_-]{342}",
    ),
];

/// Where a token stands that says by itself what it is.
const CARRIERS: &[&str] = &[
    "2026-11-20T10:00:00Z INFO using {} for the next call",
    "level=debug msg=\"sent request\" with={} status=200",
    "{\"level\":\"info\",\"value\":\"{}\",\"n\":3}",
    "  argument: {}",
    "GET /v1/items?k={}&page=2 HTTP/1.1",
    "panic: cannot parse '{}': unexpected end",
    "export X={}",
    "[{}]",
];

const NAMES: &[&str] = &[
    "password",
    "passwd",
    "PASSWORD",
    "DB_PASSWORD",
    "db_pass",
    "POSTGRES_PASSWORD",
    "mysqlRootPassword",
    "spring.datasource.password",
    "secret",
    "client_secret",
    "clientSecret",
    "JWT_SECRET",
    "token",
    "access_token",
    "authToken",
    "GITHUB_TOKEN",
    "api_key",
    "apiKey",
    "API-KEY",
    "X-Api-Key",
    "SECRET_KEY",
    "encryption_key",
    "private_key",
    "AWS_SECRET_ACCESS_KEY",
    "redis-password",
    "smtp_password",
];

/// Twelve ways to write a name and its value.
const SYNTAXES: &[(&str, &str)] = &[
    ("json", "{\"user\":\"app\",\"{N}\":\"{V}\",\"port\":5432}"),
    ("json in json", "{\"msg\":\"{\\\"{N}\\\":\\\"{V}\\\",\\\"n\\\":1}\",\"level\":\"info\"}"),
    ("yaml", "database:\n  user: app\n  {N}: {V}\n  port: 5432"),
    ("yaml quoted", "  {N}: \"{V}\"\n  port: 1"),
    (".env", "DEBUG=false\n{N}={V}\nPORT=80"),
    ("shell", "+ export {N}='{V}'"),
    ("logfmt", "level=info user=app {N}={V} host=db"),
    ("flag", "+ exec app --{N}={V} --port 80"),
    ("flag and blank", "exec app --{N} {V} --port 80"),
    ("manifest", "        - name: {N}\n          value: {V}\n        - name: PORT"),
    ("header", "> {N}: {V}\n> Accept: */*"),
    ("xml", "<config><{N}>{V}</{N}></config>"),
    ("query", "GET /login?user=app&{N}={V}&x=1 HTTP/1.1"),
    ("toml", "[db]\n{N} = \"{V}\"\n"),
];

const CONNECTIONS: &[(&str, &str)] = &[
    ("postgres", "postgres://app:{}@db.example:5432/app?sslmode=disable"),
    ("mysql", "mysql://root:{}@10.0.0.7/app"),
    ("go mysql", "dsn app:{}@tcp(db:3306)/app?parseTime=true"),
    ("mongodb", "mongodb+srv://app:{}@c0.example/app?retryWrites=true"),
    ("redis", "redis://:{}@redis:6379/0"),
    ("amqp", "amqp://app:{}@mq:5672/%2f"),
    ("sql server", "Server=tcp:db,1433;User ID=app;Password={};Encrypt=True"),
    ("jdbc", "jdbc:postgresql://db:5432/app?user=app&password={}"),
    ("oracle", "jdbc:oracle:thin:app/{}@//db:1521/x"),
    ("libpq", "host=db port=5432 user=app password={} dbname=app"),
    ("kafka", "sasl.jaas.config=PlainLoginModule required username=\"app\" password=\"{}\";"),
    ("smtp", "smtp://app:{}@mail.example:587"),
    ("elasticsearch", "https://elastic:{}@es:9200/_bulk"),
    ("nats", "nats://app:{}@nats:4222"),
    ("azure storage", "DefaultEndpointsProtocol=https;AccountName=app;AccountKey={};EndpointSuffix=core.windows.net"),
    ("ldap", "ldaps://cn=app:{}@ldap:636"),
    ("proxy", "HTTPS_PROXY=http://app:{}@proxy:3128"),
    ("curl", "curl -sS -u app:{} https://example.com/x"),
];

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, number: usize) -> usize {
        usize::try_from(self.next() % number as u64).unwrap()
    }

    /// Some text of this form: letters, `\\.`, `[a-z0-9]`, `(one|other)`, and `{count}` behind them. Each letter of a class is as
    /// likely as the others.
    pub(crate) fn of(&mut self, form: &str) -> String {
        let (mut text, mut rest) = (String::new(), form);
        while let Some(first) = rest.chars().next() {
            let (letters, behind): (Vec<String>, &str) = match first {
                '[' => {
                    let end = rest.find(']').unwrap();
                    (class(&rest[1..end]).into_iter().map(String::from).collect(), &rest[end + 1..])
                }
                '(' => {
                    let end = rest.find(')').unwrap();
                    (rest[1..end].split('|').map(str::to_owned).collect(), &rest[end + 1..])
                }
                '\\' => (vec![rest[1..2].to_owned()], &rest[2..]),
                letter => (vec![letter.to_string()], &rest[letter.len_utf8()..]),
            };
            rest = behind;
            let mut count = 1;
            if let Some(inner) = rest.strip_prefix('{') {
                let end = inner.find('}').unwrap();
                let (least, most) = inner[..end].split_once(',').unwrap_or((&inner[..end], &inner[..end]));
                let (least, most): (usize, usize) = (least.parse().unwrap(), most.parse().unwrap());
                count = least + self.below(most - least + 1);
                rest = &inner[end + 1..];
            }
            for _ in 0..count {
                let letter = self.below(letters.len());
                text.push_str(&letters[letter]);
            }
        }
        text
    }

    pub(crate) fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    pub(crate) fn password(&mut self, length: usize) -> String {
        self.of(&format!("{MIXED}{{{length}}}"))
    }

    /// As chance, generators and people make them.
    fn any_password(&mut self) -> String {
        let length = 8 + self.below(25);
        match self.below(6) {
            0 => self.of(&format!("{LOWER}{{{length}}}")),
            1 => self.of(&format!("{SAFE}{{{length}}}")),
            2 => self.of(&format!("[a-zA-Z0-9]{SIGNS}{{{length}}}[a-zA-Z0-9]")),
            3 => self.of("[A-Z][a-z]{3,7}-[A-Z][a-z]{3,7}-[0-9]{1,3}[!?]"),
            4 => self.of("[a-f0-9]{32}"),
            _ => self.password(length),
        }
    }
}

/// The letters of `a-z0-9_-`.
fn class(inner: &str) -> Vec<char> {
    let signs: Vec<char> = inner.chars().collect();
    let (mut letters, mut at) = (Vec::new(), 0);
    while at < signs.len() {
        if at + 2 < signs.len() && signs[at + 1] == '-' {
            letters.extend(signs[at]..=signs[at + 2]);
            at += 3;
        } else {
            letters.push(signs[at]);
            at += 1;
        }
    }
    letters
}

/// So many of each kind.
pub(crate) fn samples(chance: &mut Chance, each: usize) -> Vec<Sample> {
    let mut samples = Vec::new();
    for &(kind, form) in FORMATS {
        for _ in 0..each / 4 {
            let secret = chance.of(form);
            let text = chance.pick(CARRIERS).replacen("{}", &secret, 1);
            samples.push(Sample { kind, text, secrets: vec![secret] });
        }
    }
    for &(kind, form) in SYNTAXES {
        for _ in 0..each {
            let secret = chance.any_password();
            // What would not be legal there is written as that syntax wants it, or is no password of it.
            let written = match kind {
                "json" | "yaml quoted" | "toml" => secret.replace('\\', "\\\\").replace('"', "\\\""),
                "xml" => secret.replace('&', "&amp;").replace('<', "&lt;"),
                "query" => secret.replace(['&', '#', '+', '%', '='], "0"),
                "logfmt" | "flag" | "flag and blank" => secret.replace(['"', '&', ';', '(', ')', '<', '>', '-'], "7"),
                "yaml" | "manifest" => secret
                    .trim_start_matches(['*', '&', '!', '%', '@', '>', '-', '?', ':', '<', '='])
                    .replace(": ", "9")
                    .replace(" #", "9"),
                _ => secret.clone(),
            };
            let name = chance.pick(NAMES).to_string();
            let text = form.replace("{N}", &name).replace("{V}", &written);
            samples.push(Sample { kind, text, secrets: vec![written] });
        }
    }
    for &(kind, form) in CONNECTIONS {
        for _ in 0..each {
            let length = 8 + chance.below(20);
            let secret = chance.of(&format!("{SAFE}{{{length}}}[A-Za-z0-9]"));
            samples.push(Sample {
                kind,
                text: format!("dialling {}", form.replace("{}", &secret)),
                secrets: vec![secret],
            });
        }
    }
    samples.extend(keys(each / 10));
    samples.extend(headers(chance, each));
    samples
}

/// Keys that a library makes, in the forms in which they are passed on.
fn keys(each: usize) -> Vec<Sample> {
    let mut samples = Vec::new();
    for _ in 0..each {
        let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let body: Vec<String> =
            pem.lines().filter(|line| !line.starts_with("---")).map(|line| line.trim().to_owned()).collect();
        let one_line = serde_json::json!({ "tls": pem }).to_string();
        let encoded = STANDARD.encode(&pem);
        samples.push(Sample { kind: "pem", text: format!("writing\n{pem}done"), secrets: body.clone() });
        samples.push(Sample { kind: "pem in json", text: one_line, secrets: body.clone() });
        samples.push(Sample {
            kind: "pem in base64",
            text: format!("    client-key-data: {encoded}"),
            secrets: vec![encoded],
        });
        let timed: Vec<String> = pem.lines().map(|line| format!("2026-11-20T10:00:00.000000000Z {line}\n")).collect();
        let timed = timed.concat();
        samples.push(Sample { kind: "pem in a log", text: timed, secrets: body });
    }
    samples
}

fn headers(chance: &mut Chance, each: usize) -> Vec<Sample> {
    let mut samples = Vec::new();
    for _ in 0..each {
        let secret = chance.password(24);
        for (kind, form) in [
            ("bearer", "< Authorization: Bearer {}"),
            ("bearer in json", "{\"headers\":{\"authorization\":\"Bearer {}\"},\"n\":1}"),
            ("basic", "Authorization: Basic {}="),
            ("cookie", "Set-Cookie: session={}; Path=/; HttpOnly"),
            ("docker login", "{\"auths\":{\"registry.example\":{\"auth\":\"{}==\"}}}"),
            ("netrc", "machine api.example login app password {}1"),
            ("redis.conf", "requirepass {}1"),
            ("sql", "ALTER USER app WITH PASSWORD '{}';"),
        ] {
            samples.push(Sample { kind, text: form.replace("{}", &secret), secrets: vec![secret.clone()] });
        }
    }
    samples
}
