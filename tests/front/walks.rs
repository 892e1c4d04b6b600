//! `doctor --walk` in a real terminal: the question what one sees, and then a step for each key.

use super::pty::Terminal;

const STREAMER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/doctor/streamer.yaml");

#[test]
fn a_step_for_each_key() {
    let mut terminal = Terminal::start(&["doctor", "telemetry-pipeline", "--walk", "--from", STREAMER]);
    terminal.see("What do you see?");
    terminal.keys("the streamer's\r");
    terminal.see("1/12 the streamer is installed");
    let one = terminal.see("Enter: the next step, q: end");
    assert!(!one.contains("2/12"), "{one}");
    terminal.keys("\r");
    terminal.see("2/12 some node is meant to have a streamer");
    terminal.keys("q");
    let (code, ..) = terminal.ended();
    assert_eq!(code, 3);
}

#[test]
fn without_a_step_left_it_ends_and_ctrl_c_ends_it_at_once() {
    let walk = ["doctor", "telemetry-pipeline", "--walk", "streamer-not-starting", "--from", STREAMER];
    let mut terminal = Terminal::start(&walk);
    for step in 1..12 {
        terminal.see(&format!("{step}/12 "));
        terminal.see("Enter: the next step, q: end");
        terminal.keys(" ");
    }
    terminal.see("the cause is most likely what step 5 shows (\"its ConfigMap is there\" does not hold)");
    assert_eq!(terminal.ended().0, 3);
    let mut terminal = Terminal::start(&walk);
    terminal.see("Enter: the next step, q: end");
    terminal.keys("\u{3}");
    assert_eq!(terminal.ended().0, 130);
}

/// Whoever wants lines gets them all.
#[test]
fn plain_lines_come_at_once() {
    let walk = ["doctor", "telemetry-pipeline", "--walk", "streamer-not-starting", "--plain", "--from", STREAMER];
    let terminal = Terminal::start(&walk);
    terminal.see("12/12");
    let (code, text, _) = terminal.ended();
    assert_eq!(code, 3);
    assert!(!text.contains("q: end"), "{text}");
}
