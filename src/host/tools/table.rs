//! The tools we look for: how to ask each for its version, and how to read the answer.

use crate::host::text::clean;

/// One tool to look for.
#[derive(Debug)]
pub struct ToolRow {
    /// The command.
    pub name: &'static str,
    /// Arguments that make it print its version without asking a server.
    pub arguments: &'static [&'static str],
    /// Where the version is in what it prints.
    pub version: VersionAt,
    /// What it is used for.
    pub purpose: &'static str,
}

/// Where a version is in a tool's output.
#[derive(Debug)]
pub enum VersionAt {
    /// At a JSON pointer.
    Json(&'static str),
    /// The first word with digits around a dot, such as `v1.2.3` in `tool version v1.2.3, build 5`.
    Dotted,
    /// The word with this number, counted from 0.
    Word(usize),
}

const fn row(
    name: &'static str,
    arguments: &'static [&'static str],
    version: VersionAt,
    purpose: &'static str,
) -> ToolRow {
    ToolRow { name, arguments, version, purpose }
}

/// All tools, in the order they are shown. None of them is needed by Seaworthy itself, unless its purpose says so.
pub const TOOLS: &[ToolRow] = &[
    row(
        "kubectl",
        &["version", "--client", "-o", "json"],
        VersionAt::Json("/clientVersion/gitVersion"),
        "look at a cluster by hand; everything Seaworthy does can be copied as kubectl commands",
    ),
    row("helm", &["version", "--short"], VersionAt::Dotted, "install a stack from its official chart (`--chart`)"),
    row("kind", &["version"], VersionAt::Dotted, "create a cluster in containers"),
    row("k3s", &["--version"], VersionAt::Dotted, "create a cluster on this machine"),
    row("k3d", &["version"], VersionAt::Dotted, "k3s clusters in containers"),
    row("minikube", &["version", "-o", "json"], VersionAt::Json("/minikubeVersion"), "minikube clusters"),
    row("docker", &["--version"], VersionAt::Dotted, "containers for kind and k3d"),
    row("podman", &["--version"], VersionAt::Dotted, "containers for kind"),
    row("nerdctl", &["--version"], VersionAt::Dotted, "containers of containerd"),
    row("kustomize", &["version"], VersionAt::Dotted, "build manifests by hand"),
    row("k9s", &["version", "--short"], VersionAt::Dotted, "browse a cluster"),
    row("etcdctl", &["version"], VersionAt::Dotted, "recover an etcd by hand"),
    row("etcdutl", &["version"], VersionAt::Dotted, "restore an etcd snapshot by hand"),
    row("systemctl", &["--version"], VersionAt::Word(1), "start and stop k3s and container engines"),
];

impl VersionAt {
    /// The version in a tool's output, if it is there.
    pub fn read(&self, output: &str) -> Option<String> {
        match self {
            Self::Json(pointer) => {
                let json: serde_json::Value = serde_json::from_str(output).ok()?;
                json.pointer(pointer)?.as_str().map(clean)
            }
            Self::Dotted => dotted(&clean(output)),
            Self::Word(number) => clean(output).split(' ').nth(*number).filter(|word| has_digit(word)).map(Into::into),
        }
    }
}

fn has_digit(word: &str) -> bool {
    word.contains(|character: char| character.is_ascii_digit())
}

/// The first piece that is an optional `v`, digits, a dot and a digit, with whatever a version may go on with.
fn dotted(text: &str) -> Option<String> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && !".+-_~".contains(character))
        .find(|piece| {
            let number = piece.strip_prefix('v').unwrap_or(piece);
            let rest = number.trim_start_matches(|character: char| character.is_ascii_digit());
            rest.len() < number.len()
                && rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
        })
        .map(|piece| piece.trim_end_matches(['.', '-', '_', '~', '+']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_outputs_give_their_versions() {
        for (tool, output, version) in [
            ("kubectl", r#"{"clientVersion":{"major":"1","gitVersion":"v1.34.2"}}"#, "v1.34.2"),
            ("helm", "v3.19.0+g3d8990f\n", "v3.19.0+g3d8990f"),
            ("kind", "kind v0.32.0 go1.26.1 linux/amd64", "v0.32.0"),
            ("k3s", "k3s version v1.34.1+k3s1 (24fc436e)\ngo version go1.24.6", "v1.34.1+k3s1"),
            ("k3d", "k3d version v5.8.3\nk3s version v1.31.5-k3s1 (default)", "v5.8.3"),
            ("minikube", r#"{"commit":"abc","minikubeVersion":"v1.37.0"}"#, "v1.37.0"),
            ("docker", "Docker version 20.10.24+dfsg1, build 297e128", "20.10.24+dfsg1"),
            ("podman", "podman version 4.3.1", "4.3.1"),
            ("nerdctl", "nerdctl version 2.1.3", "2.1.3"),
            ("kustomize", "{Version:kustomize/v4.5.7 GitCommit:56d82a8 BuildDate:2022-08-02T16:35:54Z}", "v4.5.7"),
            ("k9s", "\u{1b}[36mVersion\u{1b}[0m              v0.50.9\nCommit               1c9a1e6", "v0.50.9"),
            ("etcdctl", "etcdctl version: 3.5.9\nAPI version: 3.5", "3.5.9"),
            ("etcdutl", "etcdutl version: 3.6.0\nAPI version: 3.6", "3.6.0"),
            ("systemctl", "systemd 252 (252.39-1~deb12u1)\n+PAM +AUDIT", "252"),
        ] {
            let row = TOOLS.iter().find(|row| row.name == tool).unwrap();
            assert_eq!(row.version.read(output).as_deref(), Some(version), "{tool}");
        }
    }

    #[test]
    fn nonsense_gives_none() {
        for output in ["", "hello", "v", "1.", "version unknown", "{}", "go1x.y"] {
            assert_eq!(VersionAt::Dotted.read(output), None, "{output}");
        }
        assert_eq!(VersionAt::Json("/a/b").read("not json"), None);
        assert_eq!(VersionAt::Word(1).read("one"), None);
        assert_eq!(VersionAt::Word(1).read("command not found"), None);
    }

    #[test]
    fn names_are_unique_and_purposes_said() {
        for (position, row) in TOOLS.iter().enumerate() {
            assert!(TOOLS[..position].iter().all(|other| other.name != row.name), "{}", row.name);
            assert!(!row.purpose.is_empty() && !row.purpose.ends_with('.'), "{}", row.name);
        }
    }
}
