//! What the full screen owes its person wherever they are: it ends when it is asked to and leaves the terminal as it was, it bears
//! every size, and what was killed can be gone on with.

use seaworthy::object::ObjectRef;

use super::pty::Terminal;
use super::wizard::{at_stack, cursor, move_until, planned};

const ENTER: &str = "\r";
/// To the end of the plan, and agreed.
const AGREED: &str = "G\r";
const ESCAPE: &str = "\x1b";
const UP: &str = "\x1b[A";
const RIGHT: &str = "\x1b[C";
const CONTROL_C: &str = "\x03";
const STACKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/stacks");

/// A screen: what is pressed to get there, each time with what is seen then.
type Way = &'static [(&'static str, &'static str)];

/// Goes a way from where the terminal is.
fn go(terminal: &mut Terminal, way: Way) {
    for (keys, seen) in way {
        terminal.keys(keys);
        terminal.see(seen);
    }
}

/// Ctrl-C there: the exit code, and what is left on the screen.
#[track_caller]
fn interrupted(mut terminal: Terminal, way: Way) -> (u32, String) {
    go(&mut terminal, way);
    terminal.is_taken();
    terminal.keys(CONTROL_C);
    // That also sees to it that the terminal is as before.
    let (code, text, _) = terminal.ended();
    (code, text)
}

fn wizard() -> Terminal {
    let terminal = Terminal::wizard(&[]);
    terminal.see("✓ harbour (current)");
    terminal
}

/// On the way, before anything was agreed to. The first stack of all is chosen: which one it is does not matter.
#[test]
fn control_c_on_the_way() {
    const SCREENS: &[Way] = &[
        &[],
        &[("?", "back to the shell")],
        &[(ENTER, "Parts:")],
        &[(ENTER, "Parts:"), (ENTER, "Where do the images of")],
        &[(ENTER, "Parts:"), (ENTER, "Where do the images of"), ("j", "▸ a private registry"), (ENTER, "Enter accept")],
        &[(ENTER, "Parts:"), (ENTER, "Where do the images of"), (ENTER, "single-node")],
    ];
    for way in SCREENS {
        let (code, text) = interrupted(wizard(), way);
        assert_eq!(code, 130, "{way:?}: {text}");
        assert!(text.contains("interrupted; nothing was written"), "{way:?}: {text}");
    }
}

#[test]
fn control_c_at_the_settings_and_at_the_plan() {
    const SCREENS: &[Way] = &[
        &[],
        &[("?", "run it")],
        &[(ESCAPE, "Enter change")],
        &[(ESCAPE, "Enter change"), (ENTER, "Enter accept"), ("shark", "*****")],
        &[(ESCAPE, "Enter change"), ("s", "Save values"), ("x", "yamlx")],
    ];
    for way in SCREENS {
        let (code, text) = interrupted(planned(), way);
        assert_eq!(code, 130, "{way:?}: {text}");
    }
}

/// A run is under way.
#[test]
fn control_c_in_a_run() {
    const SCREENS: &[Way] = &[
        &[],
        &[("?", "stop the run at a safe point")],
        &[("q", "Stop it at a safe point and leave?")],
        &[("t", "* critical path")],
        &[("l", "Logs of Deployment/shop-mq")],
        &[("l", "Logs of Deployment/shop-mq"), ("/", "Filter")],
        &[(UP, "▸ ✓")],
    ];
    for way in SCREENS {
        let terminal = running();
        let (code, text) = interrupted(terminal, way);
        assert_eq!(code, 130, "{way:?}: {text}");
        assert!(text.contains("runs resume"), "{way:?}: {text}");
    }
}

/// A run that waits for something that does not come.
fn running() -> Terminal {
    let mut terminal = planned();
    terminal.fake.hold("Deployment/shop-mq");
    terminal.keys(AGREED);
    // The cursor follows what is under way, and a wait before this one may not have ended yet.
    let is_there = |line: &str| line.starts_with('▸') && line.contains("wait for Deployment/shop-mq:");
    terminal.until("the cursor on the wait", |screen| screen.contents().lines().any(is_there));
    terminal
}

#[test]
fn control_c_after_a_run_leaves_with_its_code() {
    const SCREENS: &[Way] = &[
        &[],
        &[("t", "* critical path")],
        &[(UP, "▸ ✓"), ("l", "Logs of ")],
        &[(ENTER, "this stack says nothing of how it is reached")],
    ];
    for way in SCREENS {
        let mut terminal = planned();
        terminal.keys(AGREED);
        terminal.see("all is done");
        let (code, text) = interrupted(terminal, way);
        assert_eq!(code, 0, "{way:?}: {text}");
    }
}

#[test]
fn control_c_at_home() {
    const SCREENS: &[Way] = &[
        &[],
        &[("/", "hold all these words")],
        &[("m", "Storage")],
        &[("?", "install a stack")],
        // A command beside the screen has the terminal as it was: Ctrl-C ends the waiting for Enter, and the screen comes back.
        &[("d", "Enter, Esc or q goes back to the screen"), (CONTROL_C, "i install")],
    ];
    for way in SCREENS {
        let mut terminal = Terminal::start(&["--sandbox"]);
        terminal.see("✓ the sandbox single-node");
        terminal.keys(ENTER);
        terminal.see("nothing is installed here yet");
        let (code, text) = interrupted(terminal, way);
        assert_eq!(code, 130, "{way:?}: {text}");
    }
}

/// From 1 to `most`: the next of a series of numbers that is the same every time (Knuth's MMIX).
fn next(state: &mut u64, most: u64) -> u16 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    u16::try_from(1 + (*state >> 33) % most).unwrap()
}

/// A window that is dragged to and fro while a run is under way: the last size is what counts, and the run goes on.
#[test]
fn a_storm_of_sizes_in_a_run() {
    let mut terminal = running();
    let mut state = 7;
    for (round, (lines, columns)) in [(30, 100), (20, 60), (24, 80)].into_iter().enumerate() {
        let extremes = [(1, 1), (100, 300), (1, 300), (100, 1)].into_iter();
        let any = (0..200).map(|_| (next(&mut state, 100), next(&mut state, 300)));
        terminal.storm(extremes.chain(any));
        terminal.resize(lines, columns);
        let is_right = |screen: &vt100::Screen| {
            let rows: Vec<String> = screen.rows(0, columns).collect();
            rows.len() == usize::from(lines)
                // Where the steps take all of the line, our name is not in it.
                && rows[0].contains("Run")
                && rows[1].starts_with("── cluster harbour, shop") && rows[1].ends_with('─')
                && rows.iter().filter(|row| row.contains("wait for Deployment/shop-mq")).count() == 1
                && rows[rows.len() - 1].contains("Ctrl-C stop")
                && rows.iter().filter(|row| row.starts_with("Seaworthy") || row.starts_with("Cluster")).count() == 1
        };
        terminal.until(&format!("whole screen of {columns}x{lines} in round {round}"), is_right);
    }
    terminal.fake.release(&ObjectRef::new("apps/v1", "Deployment", Some("sea"), "shop-mq"));
    terminal.see("all is done");
    terminal.keys("q");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 0, "{text}");
}

/// Killed without a word in the middle of a run, it is gone on with from home.
#[test]
fn a_killed_run_is_resumed_from_home() {
    let terminal = running();
    let mut terminal = terminal.killed_and_started_again(&["--profiles", STACKS]);
    terminal.see("✓ harbour (current)");
    // A cluster in which a wait has failed has more to tell than fits.
    go(
        &mut terminal,
        &[(ENTER, "i install"), ("/", "hold all these words"), ("install", "install "), (ENTER, "steps done")],
    );
    terminal.until("the cursor on the run", |screen| screen.contents().contains("▸ ! install shop in sea"));
    terminal.fake.release(&ObjectRef::new("apps/v1", "Deployment", Some("sea"), "shop-mq"));
    terminal.keys(ENTER);
    terminal.see("Go ahead?");
    terminal.keys("y\r");
    let said = terminal.see("Enter, Esc or q goes back to the screen");
    assert!(said.contains("done in"), "{said}");
    terminal.keys(ENTER);
    terminal.until("home without an open run", |screen| {
        let text = screen.contents();
        text.contains("i install") && !text.contains("steps done")
    });
    terminal.keys("q");
    let (code, text, home) = terminal.ended();
    assert_eq!(code, 0, "{text}");
    crate::cli::is_nowhere("swordfish", home.path());
}

/// Back to the first step, and forward again: every answer is still there, and what is installed is what was answered.
#[test]
fn going_back_through_all_steps_keeps_every_answer() {
    let mut terminal = planned();
    let way: Way = &[
        (ESCAPE, "Go on to the plan"),
        (ESCAPE, "Go on to the settings"),
        (ESCAPE, "▸ single-node"),
        (ESCAPE, "Where do the images of"),
        (ESCAPE, "A small stack for tests."),
        (ESCAPE, "✓ harbour (current)"),
        (RIGHT, "A small stack for tests."),
        (RIGHT, "Where do the images of"),
        (RIGHT, "▸ single-node"),
        (RIGHT, "Go on to the settings"),
        (RIGHT, "<secret>"),
        (RIGHT, "Enter run it"),
        (AGREED, "all is done"),
    ];
    go(&mut terminal, way);
    assert!(cursor(&terminal).contains("done"), "the end of the run is what the cursor is on");
    terminal.keys("q");
    let fake = terminal.fake.clone();
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 0, "{text}");
    let secret = fake.state().into_iter().find(|object| object["kind"] == "Secret").unwrap();
    assert!(secret.to_string().contains("c3dvcmRmaXNo") || secret.to_string().contains("swordfish"), "{secret}");
}

/// What the pods of a step say, from the first line on; and the run over its time.
#[test]
fn logs_and_timeline_of_a_run_in_the_sandbox() {
    let mut terminal = at_stack("hello");
    let way: Way = &[
        (ENTER, "Where do the images of"),
        (ENTER, "needs 10m, there: 4000m allocatable"),
        (ENTER, "Go on to the settings"),
        (RIGHT, "Go on to the plan"),
        (RIGHT, "Enter run it"),
        (AGREED, "all is done"),
    ];
    go(&mut terminal, way);
    move_until(&mut terminal, UP, |line| line.contains("wait for Deployment/"));
    let seen = terminal.see("1 of 1 ready");
    assert!(seen.contains("20.0 MB"), "{seen}");
    terminal.keys("l");
    terminal.see("sandbox: container web");
    terminal.keys("/");
    terminal.keys("nothing to be found");
    terminal.see("0 lines hold all these words");
    terminal.keys(ESCAPE);
    terminal.see("Esc back");
    // What is pressed behind it at once would be one key with it.
    terminal.keys(ESCAPE);
    terminal.see("t timeline");
    terminal.keys("t");
    let chart = terminal.see("* critical path");
    assert!(chart.contains("░"), "{chart}");
    terminal.keys("q");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 0, "{text}");
}

/// A terminal that knows no escape sequences is asked on lines, and answers with lines; the end of its input is a no.
#[test]
fn a_terminal_without_escape_sequences_is_asked_on_lines() {
    let program = env!("CARGO_BIN_EXE_seaworthy");
    let mut terminal = Terminal::start_program(program, &["install", "--sandbox"], &[("TERM", "dumb")]);
    terminal.see("Stack? (a number or a part of a line; nothing: 1)");
    go(&mut terminal, &[("99\r", "no line has just this"), ("geodata\r", "Where do the images of geodata come from?")]);
    terminal.keys("\x04");
    assert_eq!(terminal.ended().0, 4);
}
