//! The full screen, by keys alone.

use rustix::process::Signal;

use super::pty::Terminal;

const ENTER: &str = "\r";
/// To the end of the plan, and agreed.
const AGREED: &str = "G\r";
const ESCAPE: &str = "\x1b";
const RIGHT: &str = "\x1b[C";
const CONTROL_C: &str = "\x03";
const CONTROL_Z: &str = "\x1a";

/// As far as the plan.
pub(super) fn planned() -> Terminal {
    let mut terminal = Terminal::wizard(&[]);
    terminal.see("✓ harbour (current)");
    terminal.is_taken();
    terminal.keys(ENTER);
    terminal.see("Parts:");
    // The stack of the tests is not the only one.
    move_until(&mut terminal, "j", |line| line.starts_with("▸ shop"));
    terminal.see("A small stack for tests.");
    terminal.keys(ENTER);
    terminal.see("Where do the images of");
    terminal.keys(ENTER);
    terminal.see("▸ single-node");
    terminal.keys(ENTER);
    terminal.see("Profile single-node needs none of them");
    terminal.keys(ENTER);
    terminal.see("(not given yet)");
    terminal.keys(ENTER);
    terminal.keys("swordfish");
    terminal.see("*********");
    terminal.keys(ENTER);
    terminal.see("<secret>");
    terminal.keys(RIGHT);
    terminal.see("Enter run it");
    terminal
}

/// The line that the cursor is on.
pub(super) fn cursor(terminal: &Terminal) -> String {
    let text = terminal.see("▸ ");
    text.lines().find(|line| line.starts_with('▸')).unwrap_or_default().to_owned()
}

/// Presses a key until the line that the cursor is on is as wanted.
pub(super) fn move_until(terminal: &mut Terminal, key: &str, is_there: impl Fn(&str) -> bool) {
    loop {
        let before = cursor(terminal);
        if is_there(&before) {
            return;
        }
        terminal.keys(key);
        terminal.until("the cursor on another line", |screen| !screen.contents().contains(&before));
    }
}

/// In the sandbox, with the cursor on a stack.
pub(super) fn at_stack(name: &str) -> Terminal {
    let mut terminal = Terminal::start(&["install", "--sandbox"]);
    terminal.see("✓ the sandbox single-node");
    terminal.keys(ENTER);
    terminal.see("Parts:");
    move_until(&mut terminal, "j", |line| line.starts_with(&format!("▸ {name}")));
    terminal
}

/// From there: a demonstration, in which a busybox stands in for every program, on one node.
fn demonstrated(terminal: &mut Terminal) {
    terminal.keys(ENTER);
    terminal.see("Where do the images of");
    terminal.keys("G");
    terminal.see("what runs is busybox, which answers probes");
    terminal.keys(ENTER);
    terminal.see("▸ single-node");
    terminal.keys(ENTER);
}

#[test]
fn a_whole_install_by_keys() {
    let mut terminal = planned();
    terminal.keys(ESCAPE);
    // The bar is drawn last: a screen that shows it is whole.
    assert!(terminal.see("Enter change").contains("<secret>"), "going back keeps the answer");
    terminal.keys(RIGHT);
    terminal.see("Enter run it");
    terminal.keys(AGREED);
    terminal.see("all is done");
    terminal.keys(ENTER);
    terminal.see("this stack says nothing of how it is reached");
    terminal.keys("q");
    let fake = terminal.fake.clone();
    let (code, text, home) = terminal.ended();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("done in"), "{text}");
    assert!(fake.writes().iter().any(|write| write.ends_with("/deployments/shop-web")), "{:?}", fake.writes());
    let secret = fake.state().into_iter().find(|object| object["kind"] == "Secret").unwrap();
    assert!(secret.to_string().contains("c3dvcmRmaXNo") || secret.to_string().contains("swordfish"), "{secret}");
    crate::cli::is_nowhere("swordfish", home.path());
}

/// Nobody gives the images away: a demonstration, by keys alone.
#[test]
fn a_demonstration_in_the_sandbox() {
    let mut terminal = at_stack("newton-v2t");
    demonstrated(&mut terminal);
    terminal.see("Profile single-node needs");
    terminal.keys(RIGHT);
    terminal.see("Go on to the plan");
    terminal.keys(RIGHT);
    let plan = terminal.see("Enter run it");
    assert!(plan.contains("a demonstration with stand-ins"), "{plan}");
    terminal.keys(AGREED);
    terminal.see("all is done");
    terminal.keys("q");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 0, "{text}");
}

/// On a machine with nothing: the same keys, in the simulated cluster.
#[test]
fn a_whole_install_in_the_sandbox() {
    let mut terminal = at_stack("hello");
    terminal.keys(ENTER);
    terminal.see("Where do the images of");
    terminal.keys(ENTER);
    terminal.see("needs 10m, there: 4000m allocatable");
    terminal.keys(ENTER);
    terminal.see("Profile single-node needs");
    terminal.keys(ENTER);
    terminal.see("Go on to the plan");
    terminal.keys(RIGHT);
    let plan = terminal.see("Enter run it");
    assert!(plan.contains("seaworthy install hello --sandbox"), "{plan}");
    terminal.keys(AGREED);
    terminal.see("all is done");
    terminal.keys(ENTER);
    terminal.see("✓ Page: http://127.0.0.1:");
    let opened = cursor(&terminal);
    terminal.keys(ENTER);
    terminal.see("it is open");
    assert_eq!(cursor(&terminal), opened, "opened again it is where it was");
    terminal.keys("q");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("seaworthy open hello -n hello --entry page --sandbox"), "{text}");
}

/// With no kubeconfig at all: what could be made is said, and the simulated cluster is one key away, and one back.
#[test]
fn nobody_is_stuck_without_a_cluster() {
    let program = env!("CARGO_BIN_EXE_seaworthy");
    let mut terminal = Terminal::start_program(program, &["install"], &[("KUBECONFIG", "nothing-is-here")]);
    terminal.see("no kubeconfig names a cluster");
    terminal.see("k3s: one node, this machine itself");
    terminal.keys("G");
    terminal.see("▸ + the sandbox ha");
    terminal.keys("k");
    terminal.see("▸ + the sandbox single-node");
    terminal.keys(ENTER);
    terminal.see("✓ the sandbox single-node");
    terminal.keys(ENTER);
    terminal.see("Parts:");
    terminal.keys(ESCAPE);
    terminal.see("Or a real one");
    terminal.keys("G");
    terminal.see("▸ + the clusters of this machine");
    terminal.keys(ENTER);
    terminal.see("no kubeconfig names a cluster");
    terminal.is_taken();
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.ended().0, 143, "signals are heard as before");
}

/// What the stack needs is added first: shown, run, proved, and then the stack.
#[test]
fn prerequisites_are_added_before_the_stack() {
    let mut terminal = at_stack("distributed-notebook");
    demonstrated(&mut terminal);
    let step = terminal.see("Profile single-node needs");
    assert!(step.contains("[x] kruise"), "{step}");
    terminal.keys(ENTER);
    terminal.see("Go on to the plan");
    terminal.keys(ESCAPE);
    terminal.see("Profile single-node needs");
    terminal.keys(RIGHT);
    terminal.see("Go on to the plan");
    terminal.keys(RIGHT);
    let plan = terminal.see("Enter run it");
    assert!(plan.contains("First the prerequisites. Once they are installed"), "{plan}");
    terminal.keys(AGREED);
    terminal.see("what the stack needs is there; Enter goes on to the installation");
    terminal.keys(ENTER);
    terminal.see("distributed-notebook 0.1.0 (single-node)");
    terminal.see("Enter run it");
    terminal.keys("q");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 0, "{text}");
}

/// Without a word on the command line: what is there, the way to more, and what is there then; a command beside the screen.
#[test]
fn home_before_and_after_an_install() {
    let mut terminal = Terminal::start(&["--sandbox"]);
    terminal.see("✓ the sandbox single-node");
    terminal.keys(ENTER);
    terminal.see("nothing is installed here yet; i installs a stack");
    terminal.keys("i");
    terminal.see("Parts:");
    move_until(&mut terminal, "j", |line| line.starts_with("▸ hello"));
    let steps = [
        "Where do the images of",
        "needs 10m, there: 4000m allocatable",
        "Profile single-node needs",
        "Go on to the plan",
    ];
    for seen in steps {
        terminal.keys(ENTER);
        terminal.see(seen);
    }
    terminal.keys(RIGHT);
    terminal.see("Enter run it");
    terminal.keys(AGREED);
    terminal.see("all is done");
    terminal.keys("h");
    terminal.see("hello 1.0.0 single-node in hello: healthy");
    terminal.keys("m");
    terminal.see("hello/hello-data  ");
    terminal.see("✓ node: sandbox-1");
    terminal.keys("y");
    terminal.see("copied: kubectl -n hello describe persistentvolumeclaim hello-data");
    terminal.keys(ESCAPE);
    terminal.see("hello 1.0.0 single-node in hello: healthy");
    terminal.keys("d");
    terminal.see("Enter, Esc or q goes back to the screen");
    terminal.keys(ESCAPE);
    terminal.see("hello 1.0.0 single-node in hello: healthy");
    terminal.is_taken();
    terminal.keys("v");
    terminal.see("no loss is recognised");
    terminal.keys(ESCAPE);
    terminal.see("hello 1.0.0 single-node in hello: healthy");
    terminal.keys("d");
    // What the report before has written is gone.
    let one = |screen: &vt100::Screen| screen.contents().matches("goes back to the screen").count() == 1;
    terminal.until("one report", |screen| !screen.alternate_screen() && one(screen));
    terminal.keys("q");
    terminal.see("hello 1.0.0 single-node in hello: healthy");
    terminal.is_taken();
    terminal.resize(20, 60);
    terminal.see("✓ hello 1.0.0 single-node in hello: healthy");
    terminal.keys(CONTROL_C);
    assert_eq!(terminal.ended().0, 0, "a run has ended before");
}

#[test]
fn a_stall_is_shown_in_place_and_control_c_stops_at_a_safe_point() {
    let mut terminal = planned();
    terminal.fake.hold("Deployment/shop-mq");
    terminal.keys(AGREED);
    terminal.see("wait for Deployment/shop-mq:");
    terminal.keys("q");
    terminal.see("Stop it at a safe point and leave?");
    terminal.keys("n");
    terminal.keys(CONTROL_C);
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 130, "{text}");
    assert!(text.contains("runs resume"), "{text}");
}

#[test]
fn every_signal_that_ends_gives_the_terminal_back() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let terminal = planned();
        terminal.signal(signal);
        assert_eq!(terminal.ended().0, code, "{signal:?}");
    }
}

#[test]
fn leaving_without_a_run_is_to_decline() {
    for (keys, code) in [("q", 4), (CONTROL_C, 130)] {
        let mut terminal = planned();
        let fake = terminal.fake.clone();
        terminal.keys(keys);
        assert_eq!(terminal.ended().0, code);
        assert_eq!(fake.writes(), [""; 0]);
    }
}

#[test]
fn a_new_size_is_drawn_at_once() {
    let mut terminal = planned();
    for (lines, columns, shown) in [(20, 60, "7/9 Review"), (60, 200, "› Reach"), (5, 10, "7/9"), (24, 80, "› Reach")]
    {
        terminal.resize(lines, columns);
        terminal.see(shown);
    }
    terminal.keys(CONTROL_C);
    terminal.ended();
}

/// Below a shell Ctrl-Z gives the terminal to the shell, and `fg` takes it again.
#[test]
fn the_shell_has_the_terminal_in_between() {
    let mut terminal = Terminal::start_program("/bin/sh", &["-i"], &[("PS1", "ready> "), ("ENV", "")]);
    terminal.see("ready>");
    terminal.keys(concat!(env!("CARGO_BIN_EXE_seaworthy"), " install\n"));
    terminal.see("harbour (current)");
    terminal.is_taken();
    terminal.keys(CONTROL_Z);
    terminal.until("the shell", |screen| !screen.alternate_screen() && screen.contents().matches("ready>").count() > 1);
    terminal.keys("fg\n");
    terminal.see("Enter choose");
    terminal.is_taken();
    terminal.keys("q");
    terminal
        .until("the shell", |screen| !screen.alternate_screen() && screen.contents().contains("nothing was written"));
    terminal.keys("exit 7\n");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 7, "{text}");
}
