//! Ordinary lines: as programs of several languages write them, and real ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::secrets::Chance;

/// Lines in which something changes: `{u}` an uid, `{h}` a digest, `{g}` a commit, `{p}` a pod, `{n}` a number, `{i}` an address,
/// `{t}` a time, `{b}` base64 of a sentence, `{w}` a word.
const PROGRAMS: &[(&str, &[&str])] = &[
    (
        "nginx",
        &[
            "{i} - - [20/Nov/2026:10:{n}:00 +0000] \"GET /assets/{w}-{g}.js?v={n} HTTP/1.1\" 200 {n} \"https://shop.example/{w}\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\" rt=0.00{n}",
            "{i} - {w} [20/Nov/2026:10:00:{n} +0000] \"POST /api/v1/orders/{u} HTTP/2.0\" 201 {n} \"-\" \"Go-http-client/2.0\"",
            "2026/11/20 10:00:{n} [error] 7#7: *{n} connect() failed (111: Connection refused) while connecting to upstream, client: {i}, server: _, request: \"GET /{w}/{w} HTTP/1.1\", upstream: \"http://{i}:8080/{w}\"",
        ],
    ),
    (
        "Go",
        &[
            "I1120 10:29:{n}.000000       1 event.go:389] \"Event occurred\" object=\"kube-system/{p}\" fieldPath=\"\" kind=\"Pod\" apiVersion=\"v1\" type=\"Normal\" reason=\"Scheduled\" message=\"Successfully assigned kube-system/{p} to node-{n}\"",
            "E1120 10:29:{n}.000000       1 reflector.go:158] \"Unhandled Error\" err=\"k8s.io/client-go/informers/factory.go:160: Failed to watch *v1.Secret: failed to list *v1.Secret: secrets is forbidden: User \\\"system:serviceaccount:{w}:{w}\\\" cannot list resource \\\"secrets\\\" in API group \\\"\\\" at the cluster scope\"",
            "{\"level\":\"info\",\"ts\":\"{t}\",\"logger\":\"controller\",\"caller\":\"controller/{w}.go:{n}\",\"msg\":\"reconciled\",\"object\":{\"name\":\"{w}\",\"namespace\":\"{w}\"},\"reconcileID\":\"{u}\",\"commit\":\"{g}\"}",
            "time=\"{t}\" level=info msg=\"PullImage \\\"registry.example:5000/{w}/{w}:v1.{n}.0@sha256:{h}\\\" returns image reference \\\"sha256:{h}\\\"\"",
            "time=\"{t}\" level=warning msg=\"token bucket is empty, waiting\" key={w}/{w} tokens={n} burst=100",
            "goroutine {n} [select]:\nk8s.io/apimachinery/pkg/util/wait.BackoffUntil(0xc000{n}e40, {0x1f5a2c0, 0xc00034{n}}, 0x1, 0xc0000{n}20)\n\t/go/pkg/mod/k8s.io/apimachinery@v0.34.1/pkg/util/wait/backoff.go:{n} +0x{n}",
        ],
    ),
    (
        "Java",
        &[
            "2026-11-20 10:00:{n},123 INFO  [main] o.s.b.w.embedded.tomcat.TomcatWebServer - Tomcat initialized with port 8080 (http)",
            "2026-11-20 10:00:{n}.456 ERROR 1 --- [nio-8080-exec-{n}] c.e.shop.{w}.OrderServiceImpl$$SpringCGLIB$$0 : Could not authenticate: org.springframework.security.authentication.BadCredentialsException: Bad credentials\n\tat org.springframework.security.authentication.dao.AbstractUserDetailsAuthenticationProvider.authenticate(AbstractUserDetailsAuthenticationProvider.java:{n})\n\tat java.base/java.util.concurrent.ThreadPoolExecutor$Worker.run(ThreadPoolExecutor.java:{n}) ~[na:na]",
            "[{t}][info][gc,heap] GC({n}) Eden regions: {n}->0({n})",
            "2026-11-20 10:00:{n} WARN  KafkaConsumer:{n} - [Consumer clientId=consumer-{w}-{n}, groupId={w}] Resetting the last seen epoch of partition {w}-{n} to {n} since the associated topicId changed from null to Zl0pW3{n}xQ",
        ],
    ),
    (
        "Python",
        &[
            "INFO:     {i}:5{n} - \"GET /health HTTP/1.1\" 200 OK",
            "{t} [INFO] prefect.flow_runs - Created task run '{w}-{n}' for task '{w}' ({u})",
            "Traceback (most recent call last):\n  File \"/usr/local/lib/python3.12/site-packages/{w}/client.py\", line {n}, in _request\n    raise TokenExpiredError(response)\n{w}.errors.TokenExpiredError: the token has expired at {t}",
            "DEBUG:urllib3.connectionpool:http://{w}.{w}.svc.cluster.local:4200 \"POST /api/flow_runs/{u}/set_state HTTP/1.1\" 201 None",
            "epoch {n}: loss=0.{n} accuracy=0.9{n} lr=1e-0{n} checkpoint=/data/ckpt-{n}/model_{g}.pt payload={b}",
        ],
    ),
    (
        "Postgres",
        &[
            "2026-11-20 10:00:{n}.123 UTC [{n}] LOG:  checkpoint complete: wrote {n} buffers (0.{n}%); 0 WAL file(s) added, 0 removed, 1 recycled; lsn=0/{n}A{n}",
            "2026-11-20 10:00:{n}.123 UTC [{n}] FATAL:  password authentication failed for user \"{w}\"\n2026-11-20 UTC [{n}] DETAIL:  Connection matched file \"/var/lib/postgresql/data/pg_hba.conf\" line {n}: \"host all all all scram-sha-256\"",
            "2026-11-20 10:00:{n}.123 UTC [{n}] STATEMENT:  SELECT id, secret_name, token_count FROM {w} WHERE id = '{u}' AND key = '{w}'",
            "2026-11-20 10:00:{n}.123 UTC [{n}] ERROR:  duplicate key value violates unique constraint \"{w}_pkey\" DETAIL: Key (id)=({n}) already exists.",
        ],
    ),
];

const WORDS: &[&str] = &[
    "orders",
    "payments",
    "catalog",
    "gateway",
    "collector",
    "streamer",
    "scheduler",
    "worker",
    "harbour",
    "telemetry",
    "monitoring",
    "ingress",
    "frontend",
    "inventory",
];

/// So many lines of each kind of program.
pub(crate) fn made(chance: &mut Chance, lines: usize) -> Vec<(String, String)> {
    let mut program = |(name, forms): &(&str, &[&str])| {
        let text: String = (0..lines).map(|_| filled(forms[chance.below(forms.len())], &mut *chance) + "\n").collect();
        ((*name).to_owned(), text)
    };
    PROGRAMS.iter().map(&mut program).collect()
}

fn filled(form: &str, chance: &mut Chance) -> String {
    let mut text = String::new();
    let mut rest = form;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        let letter = rest[at + 1..].chars().next().unwrap_or(' ');
        let is_slot = rest[at + 2..].starts_with('}') && "uhgpnitbw".contains(letter);
        text.push_str(&if is_slot { slot(letter, chance) } else { "{".to_owned() });
        rest = &rest[at + if is_slot { 3 } else { 1 }..];
    }
    text + rest
}

fn slot(letter: char, chance: &mut Chance) -> String {
    match letter {
        'u' => chance.of("[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}"),
        'h' => chance.of("[a-f0-9]{64}"),
        'g' => chance.of("[a-f0-9]{40}"),
        'p' => format!(
            "{}-{}-{}",
            chance.pick(WORDS),
            chance.of("[bcdf2456789]{10}"),
            chance.of("[bcdfghjklmnpqrstvwxz2456789]{5}")
        ),
        'n' => chance.of("[1-9][0-9]{1,2}"),
        'i' => chance.of("10\\.[1-9][0-9]\\.[1-9][0-9]\\.[1-9]"),
        't' => chance.of("2026-11-20T1[0-9]:[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z"),
        'b' => {
            let sentence =
                format!("the {} of {} is {} now", chance.pick(WORDS), chance.pick(WORDS), chance.pick(WORDS));
            STANDARD.encode(sentence)
        }
        _ => (*chance.pick(WORDS)).to_owned(),
    }
}

/// The logs of a folder, where one is named.
pub(crate) fn real() -> Vec<(String, String)> {
    let Some(folder) = std::env::var_os("SEAWORTHY_LOGS") else {
        println!("no real logs: SEAWORTHY_LOGS names no folder");
        return Vec::new();
    };
    let mut files: Vec<std::path::PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    files.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned())
    };
    files.into_iter().map(read).collect()
}
