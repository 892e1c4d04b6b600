//! Where the lines go: above a moving part on a terminal, with their time elsewhere.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use jiff::Zoned;

use crate::front::paint::{Paint, cut, wrap};
use crate::front::quiet::Quiet;
use crate::front::screen::{self, Line, Size};
use crate::front::tell;

/// Steps that are shown at once unless somebody has to do something about them.
const PLACES: usize = 8;
/// Lines that a step and its progress may take.
const TEXT_LINES: usize = 2;
/// Lines that one cause may take.
const CAUSE_LINES: usize = 5;
/// How long a file or a pipe hears nothing of a step that comes along.
const QUIET: Duration = Duration::from_secs(10);
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The lines of a run.
pub(super) enum Board {
    /// A terminal.
    Lively(Lively),
    /// A file or a pipe: what was said for each step, so that nothing is said twice.
    Steady(HashMap<String, Told>),
}

/// What a file or a pipe was told of a step that is waited for.
#[derive(Default)]
pub(super) struct Told {
    causes: HashSet<String>,
    /// How far it was, and when that was said.
    progress: Option<(String, Instant)>,
    /// How far it is now, where that was not said.
    unsaid: Option<String>,
}

/// What is under way.
pub(super) struct Lively {
    paint: Paint,
    rows: Vec<Row>,
    done: usize,
    total: usize,
    began: Instant,
    frame: usize,
    _quiet: Quiet,
}

/// A step that is under way.
struct Row {
    id: String,
    text: String,
    cause: Option<String>,
    urgent: bool,
}

impl Board {
    pub(super) fn new(lively: bool, paint: Paint) -> Self {
        if !lively {
            return Self::Steady(HashMap::new());
        }
        let (rows, began) = (Vec::new(), Instant::now());
        Self::Lively(Lively { paint, rows, done: 0, total: 0, began, frame: 0, _quiet: Quiet::begin() })
    }

    pub(super) fn is_lively(&self) -> bool {
        matches!(self, Self::Lively(_))
    }

    /// A line that stays.
    pub(super) fn line(&mut self, text: &str) {
        match self {
            Self::Lively(lively) => lively.show(Some(text)),
            Self::Steady(_) => {
                for line in text.lines() {
                    tell(&format!("{} {line}", Zoned::now().strftime("%H:%M:%S")));
                }
            }
        }
    }

    pub(super) fn progress(&mut self, done: usize, total: usize) {
        if let Self::Lively(lively) = self {
            (lively.done, lively.total) = (done, total);
        }
    }

    pub(super) fn begin(&mut self, id: &str, title: &str) {
        if let Self::Lively(lively) = self {
            let (id, text) = (id.to_owned(), title.to_owned());
            lively.rows.push(Row { id, text, cause: None, urgent: false });
        }
    }

    /// What a step waits for, and why. Elsewhere than on a terminal each cause is said once, and how far it is now and then.
    pub(super) fn wait(&mut self, id: &str, text: &str, cause: Option<&str>, urgent: bool) {
        match self {
            Self::Lively(lively) => {
                let cause = cause.map(str::to_owned);
                let row = Row { id: id.to_owned(), text: text.to_owned(), cause, urgent };
                match lively.rows.iter_mut().find(|known| known.id == id) {
                    Some(known) => *known = row,
                    None => lively.rows.push(row),
                }
            }
            Self::Steady(said) => {
                // That a second has passed, or a container was started once more, is no news; a file would fill with it.
                let bare = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
                let told = said.entry(id.to_owned()).or_default();
                let is_news = match cause {
                    Some(cause) => told.causes.insert(format!("{}: {}", bare(text), bare(cause))),
                    None => told.is_time_for(text),
                };
                told.unsaid = (!is_news && cause.is_none()).then(|| text.to_owned());
                if is_news {
                    told.progress = Some((text.to_owned(), Instant::now()));
                    let why = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
                    self.line(&format!("wait {}{why}", text.strip_prefix("wait ").unwrap_or(text)));
                }
            }
        }
    }

    pub(super) fn end(&mut self, id: &str) {
        match self {
            Self::Lively(lively) => lively.rows.retain(|row| row.id != id),
            Self::Steady(said) => {
                said.remove(id);
            }
        }
    }

    /// Time has passed: the moving part moves, and a file hears of a wait that has become one.
    pub(super) fn tick(&mut self) {
        match self {
            Self::Lively(lively) => {
                lively.frame += 1;
                lively.show(None);
            }
            Self::Steady(said) => {
                let mut due: Vec<(String, String)> = Vec::new();
                for (id, told) in said.iter_mut() {
                    let Some(text) = told.unsaid.take() else { continue };
                    if told.is_time_for(&text) { due.push((id.clone(), text)) } else { told.unsaid = Some(text) }
                }
                for (id, text) in due {
                    self.wait(&id, &text, None, false);
                }
            }
        }
    }

    /// Takes the moving part away.
    pub(super) fn clear(&mut self) {
        if self.is_lively() {
            screen::show(None, &[], |line| line.text.clone());
        }
    }
}

impl Told {
    /// A first word comes when the wait has become one, and another when it has come further and nothing was said for a while.
    fn is_time_for(&mut self, text: &str) -> bool {
        let (said, since) = self.progress.get_or_insert_with(|| (String::new(), Instant::now()));
        since.elapsed() >= QUIET && said != text
    }
}

impl Lively {
    fn show(&self, stays: Option<&str>) {
        let colour = |line: &Line| if line.urgent { self.paint.careful(&line.text) } else { line.text.clone() };
        screen::show(stays, &self.lines(screen::size()), colour);
    }

    /// The moving part. What somebody has to do something about comes first, and the whole is never higher than the
    /// terminal: what has scrolled away could not be taken back.
    fn lines(&self, size: Size) -> Vec<Line> {
        let width = size.width.saturating_sub(1).max(10);
        let room = size.height.saturating_sub(2).max(1);
        let spinner = SPINNER[self.frame % SPINNER.len()];
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| !row.urgent);
        let mut lines: Vec<Line> = Vec::new();
        let mut shown = 0;
        for row in &rows {
            let block = row.lines(width, spinner);
            if lines.len() + block.len() > room || (shown >= PLACES && !row.urgent) {
                break;
            }
            lines.extend(block);
            shown += 1;
        }
        lines.push(Line { text: cut(&self.bar(width, rows.len() - shown), width), urgent: false });
        lines
    }

    fn bar(&self, width: usize, hidden: usize) -> String {
        let cells = (width / 3).min(30);
        let full = (cells * self.done).checked_div(self.total).unwrap_or(0);
        let seconds = self.began.elapsed().as_secs();
        let more = if hidden > 0 { format!(", {hidden} more under way") } else { String::new() };
        let (done, left) = ("█".repeat(full), "░".repeat(cells - full));
        format!("{done}{left} {}/{} {}:{:02}{more}", self.done, self.total, seconds / 60, seconds % 60)
    }
}

impl Row {
    fn lines(&self, width: usize, spinner: char) -> Vec<Line> {
        // What it is about comes first in the text, and how far it is last: neither is left out for the other.
        let mut lines = wrap(&self.text, width.saturating_sub(2).max(1));
        if lines.len() > TEXT_LINES {
            let rest = lines.split_off(TEXT_LINES - 1).join(" ");
            lines.push(cut(&rest, width.saturating_sub(2)));
        }
        for (index, line) in lines.iter_mut().enumerate() {
            *line = if index == 0 { format!("{spinner} {line}") } else { format!("  {line}") };
        }
        let mut cause: Vec<String> = self.cause.iter().flat_map(|cause| wrap(cause, width.saturating_sub(4))).collect();
        if cause.len() > CAUSE_LINES {
            cause.truncate(CAUSE_LINES);
            cause.last_mut().into_iter().for_each(|last| last.push('…'));
        }
        lines.extend(cause.into_iter().map(|line| format!("    {line}")));
        lines.into_iter().map(|text| Line { text, urgent: self.urgent }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSE: &str = "Pod/sea/shop-web-6978947cdd-hrblk ErrImagePull: the registry at registry.example.org:5000 has no \
                         image `registry.example.org:5000/team/shop-web:1.2.3-rc.4`";

    fn board(waits: usize) -> Lively {
        let mut board = Board::new(true, Paint(false));
        for number in 0..waits {
            board.begin(&number.to_string(), &format!("wait for Deployment/shop-{number}"));
        }
        board.wait("0", "wait for Deployment/shop-web: 0 of 1 pods ready", Some(CAUSE), true);
        match board {
            Board::Lively(lively) => lively,
            Board::Steady(_) => unreachable!(),
        }
    }

    /// What a person reads when the lines are put together again.
    fn read(lines: &[Line]) -> String {
        lines.iter().map(|line| line.text.trim()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_cause_is_shown_whole_at_any_width() {
        for (width, height) in [(80, 24), (60, 20), (200, 60)] {
            let lines = board(20).lines(Size { width, height });
            assert!(lines.iter().all(|line| line.text.chars().count() < width), "{lines:#?}");
            assert!(read(&lines).contains(CAUSE), "{lines:#?}");
            assert!(lines.len() < height, "{lines:#?}");
            assert!(lines.last().unwrap().text.contains("12 more under way"), "{lines:#?}");
        }
    }

    #[test]
    fn how_far_it_is_is_not_cut_off_for_the_sake_of_the_title() {
        let mut board = Board::new(true, Paint(false));
        let text = "wait until the 3 nodes and the system pods of kind-trio are ready: 1 of 3 nodes, 2 of 13 system pods ready; trio-worker: not ready";
        board.wait("a", text, None, false);
        let Board::Lively(lively) = board else { unreachable!() };
        let lines = lively.lines(Size { width: 80, height: 24 });
        assert!(
            read(&lines[..2]).ends_with("1 of 3 nodes, 2 of 13 system pods ready; trio-worker: not ready"),
            "{lines:#?}"
        );
        let narrow = lively.lines(Size { width: 40, height: 24 });
        assert_eq!(narrow.len(), 3, "two lines and the bar: {narrow:#?}");
        assert!(narrow.iter().all(|line| line.text.chars().count() < 40), "{narrow:#?}");
    }

    #[test]
    fn a_file_hears_now_and_then_how_far_it_is_and_each_cause_once() {
        let mut told = Told::default();
        assert!(!told.is_time_for("1 of 3"), "it has just begun");
        let Some((_, since)) = &mut told.progress else { unreachable!() };
        *since = since.checked_sub(QUIET).unwrap();
        assert!(told.is_time_for("1 of 3"));
        told.progress = Some(("1 of 3".to_owned(), Instant::now()));
        assert!(!told.is_time_for("2 of 3"), "that was said a moment ago");
    }

    #[test]
    fn no_terminal_is_too_small() {
        for (width, height) in [(1, 1), (10, 2), (20, 4), (0, 0)] {
            let lines = board(3).lines(Size { width, height });
            assert!(lines.len() <= height.max(2), "{lines:#?}");
        }
    }
}
