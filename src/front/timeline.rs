//! A run over its time: a bar for each step, and the chain of steps that made it as long as it was. Pure.

use seaworthy::engine::journal::RunRecord;
use seaworthy::plan::Plan;

use super::paint::{cut, time};

/// Columns that titles get at most.
const TITLE: usize = 44;
/// Columns of a time.
const TIME: usize = 12;

/// A step over the time of its run, milliseconds since the run began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bar {
    pub(crate) title: String,
    /// When it was begun; `None`: it was not.
    pub(crate) begun: Option<u64>,
    /// When it ended; `None`: it goes on, or nobody saw its end.
    pub(crate) ended: Option<u64>,
    /// The steps that it needs, by their number.
    pub(crate) needs: Vec<usize>,
    /// It only looks on.
    pub(crate) waits: bool,
    pub(crate) failed: bool,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chart {
    pub(crate) bars: Vec<Bar>,
    /// How long the run is until now.
    pub(crate) whole: u64,
}

/// For each step of a plan the numbers of those that it needs.
fn needs_of(plan: &Plan) -> Vec<Vec<usize>> {
    let number = |id: &String| plan.steps.iter().position(|step| step.id == *id);
    plan.steps.iter().map(|step| step.needs.iter().filter_map(number).collect()).collect()
}

impl Chart {
    /// As a journal tells it.
    pub(crate) fn of_record(record: &RunRecord) -> Self {
        let times = &record.times;
        let since = |at: jiff::Timestamp| u64::try_from(at.duration_since(times.since).as_millis()).unwrap_or(0);
        let here = format!("/{}/", record.plan.installation.namespace);
        let steps = record.plan.steps.iter().zip(needs_of(&record.plan));
        let bars = steps.map(|(step, needs)| {
            let span = times.steps.get(&step.id);
            Bar {
                title: step.title.replacen(&here, "/", 1),
                begun: span.map(|span| since(span.began)),
                ended: span.and_then(|span| span.ended).map(since),
                needs,
                waits: !step.change.writes(),
                failed: span.is_some_and(|span| span.failed),
            }
        });
        Self { bars: bars.collect(), whole: since(times.until) }
    }

    fn end(&self, bar: &Bar) -> Option<u64> {
        bar.begun.map(|begun| bar.ended.unwrap_or(self.whole).max(begun))
    }

    /// Whether each step is on the longest way: the one that ended last, before it the one that it waited for longest, and so on.
    pub(crate) fn longest(&self) -> Vec<bool> {
        let mut on = vec![false; self.bars.len()];
        let latest = |numbers: &mut dyn Iterator<Item = usize>| {
            let ends = numbers.filter_map(|number| Some((self.end(self.bars.get(number)?)?, number)));
            ends.max_by_key(|(end, number)| (*end, *number)).map(|(_, number)| number)
        };
        let mut next = latest(&mut (0..self.bars.len()));
        // A plan from a file may go in circles.
        while let Some(number) = next.filter(|number| !on[*number]) {
            on[number] = true;
            next = latest(&mut self.bars[number].needs.iter().copied());
        }
        on
    }

    /// The bar of a step in so many columns. What goes on or has failed says so at its end.
    pub(crate) fn drawn(&self, bar: &Bar, width: usize, unicode: bool) -> String {
        let (Some(begun), Some(end)) = (bar.begun, self.end(bar)) else { return " ".repeat(width) };
        let column = |at: u64| usize::try_from(at * width as u64 / self.whole.max(1)).unwrap_or(width).min(width);
        let from = column(begun).min(width.saturating_sub(1));
        let to = column(end).clamp(from + 1, width.max(from + 1));
        let body = match (bar.waits, unicode) {
            (true, true) => "░",
            (true, false) => "-",
            (false, true) => "█",
            (false, false) => "#",
        };
        let tip = match (bar.failed, bar.ended, unicode) {
            (true, _, true) => "✗",
            (true, _, false) => "x",
            (false, None, true) => "»",
            (false, None, false) => ">",
            (false, Some(_), _) => body,
        };
        format!("{}{}{tip}{}", " ".repeat(from), body.repeat(to - from - 1), " ".repeat(width.saturating_sub(to)))
    }

    /// From when to when, and how long.
    pub(crate) fn time(&self, bar: &Bar) -> String {
        match (bar.begun, self.end(bar)) {
            (Some(begun), Some(end)) => time(end - begun),
            _ => String::new(),
        }
    }

    /// The beginning and the end, above the bars.
    pub(crate) fn axis(&self, width: usize) -> String {
        let end = time(self.whole);
        if width < end.len() + 2 {
            return cut(&end, width);
        }
        format!("0{end:>rest$}", rest = width - 1)
    }

    /// What the marks mean.
    pub(crate) fn legend(unicode: bool) -> String {
        let [work, wait, on, failed] = if unicode { ["█", "░", "»", "✗"] } else { ["#", "-", ">", "x"] };
        format!("{work} writes  {wait} waits  {on} goes on  {failed} failed  * critical path")
    }

    /// All of it as lines of so many columns.
    pub(crate) fn lines(&self, width: usize, unicode: bool) -> Vec<String> {
        let longest = self.longest();
        let widest = self.bars.iter().map(|bar| bar.title.chars().count()).max().unwrap_or(0);
        let title = widest.min(TITLE).min((width / 3).max(8));
        let room = width.saturating_sub(title + TIME + 4).max(8);
        let indent = title + 3;
        let mut lines = vec![format!("{:indent$}{}", "", self.axis(room))];
        for (bar, on) in self.bars.iter().zip(longest) {
            let mark = if on { "* " } else { "  " };
            let name = if unicode { cut(&bar.title, title) } else { cut_ascii(&bar.title, title) };
            let took = if bar.begun.is_none() { "not begun".to_owned() } else { self.time(bar) };
            let line = format!("{mark}{name:<title$} {} {took}", self.drawn(bar, room, unicode));
            lines.push(line.trim_end().to_owned());
        }
        lines.push(Self::legend(unicode));
        lines
    }
}

fn cut_ascii(text: &str, width: usize) -> String {
    let line = super::paint::one_line(text);
    if line.chars().count() <= width {
        return line;
    }
    let kept: String = line.chars().take(width.saturating_sub(2)).collect();
    format!("{kept}..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(title: &str, span: Option<(u64, Option<u64>)>, needs: &[usize]) -> Bar {
        let (begun, ended) = (span.map(|(begun, _)| begun), span.and_then(|(_, ended)| ended));
        let waits = title.starts_with("wait");
        Bar { title: title.to_owned(), begun, ended, needs: needs.to_vec(), waits, failed: title.ends_with('!') }
    }

    fn chart() -> Chart {
        let bars = vec![
            bar("create Namespace/sea", Some((0, Some(100))), &[]),
            bar("create Deployment/mq", Some((100, Some(200))), &[0]),
            bar("create Deployment/web", Some((100, Some(300))), &[0]),
            bar("wait for Deployment/mq", Some((200, Some(9000))), &[1]),
            bar("wait for Deployment/web", Some((300, Some(2000))), &[2]),
            bar("reach shop!", Some((9000, Some(10_000))), &[3, 4]),
            bar("create Job/late", None, &[5]),
        ];
        Chart { bars, whole: 10_000 }
    }

    #[test]
    fn the_longest_way_goes_by_what_was_waited_for() {
        assert_eq!(chart().longest(), [true, true, false, true, false, true, false]);
        let circle = Chart { bars: vec![bar("a", Some((0, None)), &[1]), bar("b", Some((0, None)), &[0])], whole: 5 };
        assert_eq!(circle.longest(), [true, true]);
        assert_eq!(Chart { bars: Vec::new(), whole: 0 }.longest(), [false; 0]);
    }

    #[test]
    fn bars_stand_where_their_time_is() {
        let lines = chart().lines(60, false);
        insta::assert_snapshot!(lines.join("\n"));
        assert!(lines.iter().all(|line| line.is_ascii() && line.len() <= 60), "{lines:#?}");
        assert!(chart().lines(60, true).iter().all(|line| line.chars().count() <= 60));
        assert!(chart().lines(200, true).iter().all(|line| line.chars().count() <= 200));
    }

    #[test]
    fn no_width_and_no_time_is_too_small() {
        for width in 0..20 {
            chart().lines(width, true);
            let bar = bar("a", Some((0, None)), &[]);
            let none = Chart { bars: vec![bar.clone()], whole: 0 };
            assert!(none.drawn(&bar, width, true).chars().count() <= width.max(1));
        }
    }
}
