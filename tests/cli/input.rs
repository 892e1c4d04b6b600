//! Bad input: exit 2, said with its place and the closest right name, before anything is written or asked of a cluster.

use crate::test::Test;

const SETTINGS: &str = " hint: see every setting with `seaworthy stacks show telemetry-pipeline`";

/// The commands that take a stack and values; all read them the same way.
const WITH_VALUES: [&str; 2] = ["render", "install --yes"];

#[track_caller]
fn refused(line: &str, said: &str) {
    Test::new().line(line).touches_nothing().status(2).stderr(said).run();
}

#[test]
fn an_unknown_command_or_option() {
    for what in ["unrecognized subcommand 'instal'", "unexpected argument '--instal' found"] {
        let word = what.split('\'').nth(1).unwrap();
        let tip = if word.starts_with("--") {
            ""
        } else {
            "\n\n  tip: some similar subcommands exist: 'uninstall', 'install'"
        };
        let usage = "Usage: seaworthy [OPTIONS] [COMMAND]\n\nFor more information, try '--help'.";
        refused(word, &format!("error: {what}{tip}\n\n{usage}"));
    }
}

#[test]
fn an_unknown_stack() {
    let hint = " hint: list them with `seaworthy stacks list`, or add a folder of yours with `--profiles DIR`";
    for command in ["render", "install", "stacks show", "status", "open", "uninstall"] {
        let near = "error: there is no stack `telemetry-pipelin`, did you mean `telemetry-pipeline`?";
        refused(&format!("{command} telemetry-pipelin"), &format!("{near}\n{hint}"));
        let far = "error: there is no stack `zzz`; known are `distributed-notebook`, `exadeploy`, `geodata`, `hello`, `newton-v2t`, `telemetry-pipeline`";
        refused(&format!("{command} zzz"), &format!("{far}\n{hint}"));
    }
}

#[test]
fn an_unknown_profile() {
    for command in WITH_VALUES {
        refused(
            &format!("{command} telemetry-pipeline --profile hi"),
            &format!("error: telemetry-pipeline has no profile `hi`, did you mean `ha`?\n{SETTINGS}"),
        );
    }
}

#[test]
fn a_value_that_is_missing() {
    for command in WITH_VALUES {
        refused(
            &format!("{command} telemetry-pipeline"),
            &format!(
                "error: global.imageRegistry: is required (Image registry) and has no default; give it with \
                 `--set global.imageRegistry=...` or in a file with `-f`\n{SETTINGS}"
            ),
        );
    }
}

#[test]
fn a_values_file_with_unknown_keys_and_wrong_types() {
    let file = "global:\n  imageRegistry: local\nmq:\n  replicas: [1]\n  enabled: maybe\n  prot: 1\nstreamre: {}\n";
    for command in WITH_VALUES {
        let output = Test::new()
            .line(command)
            .line("telemetry-pipeline -f values.yaml")
            .file("values.yaml", file)
            .touches_nothing()
            .status(2)
            .any_stderr()
            .run();
        insta::assert_snapshot!("values-file", output.stderr);
    }
}

#[test]
fn a_values_file_that_is_no_yaml() {
    for (name, text) in [
        ("open-list", "mq: [1\nport: 2\n"),
        ("key-twice", "mq: {}\nmq: {}\n"),
        ("no-map", "- 1\n"),
        ("tab", "mq:\n\tport: 1\n"),
        ("not-text", "\u{0}"),
    ] {
        let test = Test::new().line("install telemetry-pipeline -f values.yaml").file("values.yaml", text);
        let output = test.touches_nothing().status(2).any_stderr().run();
        insta::assert_snapshot!(format!("broken-{name}"), output.stderr);
    }
}

#[test]
fn a_values_file_that_cannot_be_read() {
    let hint = " hint: give the path of a file that can be read";
    for option in ["-f gone.yaml", "--set-file mq.port=gone.yaml", "--secret mq.port=@gone.yaml"] {
        refused(
            &format!("install telemetry-pipeline {option}"),
            &format!("error: gone.yaml: No such file or directory (os error 2)\n{hint}"),
        );
    }
    refused("install telemetry-pipeline -f .", &format!("error: .: Is a directory (os error 21)\n{hint}"));
}

#[test]
fn an_option_that_sets_a_value_wrongly() {
    for (number, option) in [
        "--set mq.port",
        "--set mq..port=1",
        "--set mq.port[=1",
        "--set =1",
        "--set mq.port=x",
        "--set mq.prot=1",
        "--set mq=1",
        "--set streamer.hostnames[0].a=1",
        "--set-file mq.port",
        "--secret mq.port",
        "--set mq.port=9091",
    ]
    .iter()
    .enumerate()
    {
        let line = format!("install telemetry-pipeline --set global.imageRegistry=local {option}");
        let output = Test::new().line(&line).touches_nothing().status(2).any_stderr().run();
        insta::assert_snapshot!(format!("set-{number}"), format!("{option}\n\n{}", output.stderr));
    }
}

#[test]
fn a_secret_in_the_clear_is_refused_and_not_repeated() {
    let hint = " hint: put it in a file, or on standard input: --secret a.b=@FILE or --secret a.b=@-";
    refused(
        "install telemetry-pipeline --secret a.b=swordfish",
        &format!("error: --secret a.b: a secret on the command line can be read by every user of this machine\n{hint}"),
    );
}

#[test]
fn a_name_that_kubernetes_does_not_take() {
    let rule = " hint: use at most 63 of a-z, 0-9 and -, with a letter or digit at both ends";
    let long = "x".repeat(64);
    let refused = |command: &str, option: &str, name: &str| {
        refused(
            &format!("{command} telemetry-pipeline {option}={name}"),
            &format!("error: {option} `{name}` is not a name that Kubernetes takes\n{rule}"),
        );
    };
    for name in ["A", "a_b", "-a", "a.b", "../a", long.as_str()] {
        refused("render", "--name", name);
        refused("status", "--namespace", name);
    }
    for command in ["install", "render", "open", "uninstall"] {
        refused(command, "--namespace", "a,b=c");
    }
}

#[test]
fn data_to_destroy_is_named_in_full() {
    let more = "\n\nFor more information, try '--help'.";
    refused(
        "uninstall telemetry-pipeline --destroy-data data",
        &format!("error: invalid value 'data' for '--destroy-data <OBJECT>': `data` is not KIND/NAMESPACE/NAME{more}"),
    );
    refused(
        "uninstall telemetry-pipeline --destroy-data deployment/a/b",
        &format!(
            "error: invalid value 'deployment/a/b' for '--destroy-data <OBJECT>': `deployment` holds no data: one of \
             PersistentVolumeClaim, PersistentVolume, Namespace, Secret, CustomResourceDefinition{more}"
        ),
    );
}

#[test]
fn a_time_that_is_none() {
    refused(
        "status --timeout soon",
        "error: invalid value 'soon' for '--timeout <TIME>': expected a time such as 90s, 10m or 1h\n\nFor more information, try '--help'.",
    );
}
