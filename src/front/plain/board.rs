//! Where the lines go: above a moving part on a terminal, with their time elsewhere.

use std::collections::HashMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Zoned;

/// Lines that move at once; the others wait for a place, so that the display never scrolls away.
const PLACES: usize = 8;

/// The lines of a run.
pub(super) enum Board {
    /// A terminal.
    Lively(Lively),
    /// A file or a pipe: the last line said for each step, so that none is said twice.
    Steady(HashMap<String, String>),
}

pub(super) struct Lively {
    all: MultiProgress,
    bar: ProgressBar,
    steps: HashMap<String, ProgressBar>,
}

impl Board {
    pub(super) fn new(lively: bool) -> Self {
        if !lively {
            return Self::Steady(HashMap::new());
        }
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let bar = all.add(ProgressBar::new(0).with_style(style("{bar:30} {pos}/{len} {elapsed}")));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self::Lively(Lively { all, bar, steps: HashMap::new() })
    }

    /// A line that stays.
    pub(super) fn line(&mut self, text: &str) {
        match self {
            Self::Lively(lively) => lively.all.suspend(|| eprintln!("{text}")),
            Self::Steady(_) => {
                for line in text.lines() {
                    eprintln!("{} {line}", Zoned::now().strftime("%H:%M:%S"));
                }
            }
        }
    }

    pub(super) fn progress(&mut self, done: usize, total: usize) {
        if let Self::Lively(lively) = self {
            lively.bar.set_length(total as u64);
            lively.bar.set_position(done as u64);
        }
    }

    pub(super) fn begin(&mut self, id: &str, title: &str) {
        if let Self::Lively(lively) = self
            && lively.steps.len() < PLACES
        {
            let line =
                ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg}")).with_message(title.to_owned());
            let line = lively.all.insert_before(&lively.bar, line);
            line.enable_steady_tick(Duration::from_millis(120));
            lively.steps.insert(id.to_owned(), line);
        }
    }

    /// What a step waits for. Urgent lines are worth a place, and elsewhere than on a terminal only they are said.
    pub(super) fn wait(&mut self, id: &str, text: &str, urgent: bool) {
        match self {
            Self::Lively(lively) => {
                if let Some(line) = lively.steps.get(id) {
                    line.set_message(text.to_owned());
                    return;
                }
            }
            Self::Steady(said) => {
                if urgent && said.get(id).is_none_or(|last| last != text) {
                    said.insert(id.to_owned(), text.to_owned());
                    self.line(&format!("wait {text}"));
                }
                return;
            }
        }
        self.begin(id, text);
    }

    pub(super) fn end(&mut self, id: &str) {
        match self {
            Self::Lively(lively) => {
                if let Some(line) = lively.steps.remove(id) {
                    line.finish_and_clear();
                    lively.all.remove(&line);
                }
            }
            Self::Steady(said) => {
                said.remove(id);
            }
        }
    }

    /// Takes the moving part away.
    pub(super) fn clear(&mut self) {
        if let Self::Lively(lively) = self {
            for (_, line) in lively.steps.drain() {
                line.finish_and_clear();
            }
            lively.bar.finish_and_clear();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
