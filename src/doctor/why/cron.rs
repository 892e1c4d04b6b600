//! When a `CronJob` runs next: the five fields of its schedule, as the controller reads them (robfig/cron v3, standard parser).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether the day of the month, and the day of the week, is any: a day that is given alone decides, of two either does.
    any_day: bool,
    any_weekday: bool,
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Schedule {
    /// Reads a schedule; `None` when it is none. `@every` has no times of its own.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else { return None };
        Some(Self {
            minutes: field(minute, 0, 59, &[])?,
            hours: field(hour, 0, 23, &[])?,
            days: field(day, 1, 31, &[])?,
            months: field(month, 1, 12, MONTHS)?,
            weekdays: field(weekday, 0, 6, WEEKDAYS)?,
            any_day: is_any(day),
            any_weekday: is_any(weekday),
        })
    }

    /// The first time after `now`, by the clock of a time zone; `None` when there is none within five years.
    pub(super) fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let start = zone.to_datetime(now).checked_add(1.minute()).ok()?;
        let mut time = start.with().second(0).subsec_nanosecond(0).build().ok()?;
        let end = time.checked_add(5.years()).ok()?;
        while time <= end {
            let has = |set: u64, value: i8| u32::try_from(value).is_ok_and(|value| set & (1 << value) != 0);
            time = if !has(self.months, time.month()) {
                first(time, 1)?.checked_add(1.month()).ok()?
            } else if !self.fits_day(time) {
                first(time, time.day())?.checked_add(1.day()).ok()?
            } else if !has(self.hours, time.hour()) {
                time.with().minute(0).build().ok()?.checked_add(1.hour()).ok()?
            } else if !has(self.minutes, time.minute()) {
                time.checked_add(1.minute()).ok()?
            } else {
                return zone.to_ambiguous_timestamp(time).compatible().ok();
            };
        }
        None
    }

    fn fits_day(&self, time: DateTime) -> bool {
        let has = |set: u64, value: i8| u32::try_from(value).is_ok_and(|value| set & (1 << value) != 0);
        let day = has(self.days, time.day());
        let weekday = has(self.weekdays, time.weekday().to_sunday_zero_offset());
        if self.any_day || self.any_weekday { day && weekday } else { day || weekday }
    }
}

fn first(time: DateTime, day: i8) -> Option<DateTime> {
    time.with().day(day).hour(0).minute(0).build().ok()
}

fn is_any(field: &str) -> bool {
    field.split(',').any(|part| matches!(part.split('/').next(), Some("*" | "?")))
}

/// A field as a set of bits: lists of values, ranges and steps.
fn field(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u64> {
    let value = |word: &str| -> Option<u32> {
        let named = names.iter().position(|name| word.eq_ignore_ascii_case(name));
        let number = match named {
            Some(index) => u32::try_from(index).ok()? + least,
            None => word.parse().ok()?,
        };
        (least..=most).contains(&number).then_some(number)
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let step = match step {
            Some(step) => step.parse::<u32>().ok().filter(|step| *step > 0)?,
            None => 1,
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (value(from)?, value(to)?),
            None if range == "*" || range == "?" => (least, most),
            // `5/15` is from 5 to the end.
            None if part.contains('/') => (value(range)?, most),
            None => (value(range)?, value(range)?),
        };
        if from > to {
            return None;
        }
        for number in (from..=to).step_by(usize::try_from(step).ok()?) {
            set |= 1 << number;
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_the_one_that_the_controller_takes() {
        // A Friday.
        let now = "2026-11-20T10:00:30Z";
        for (schedule, next) in [
            ("*/5 * * * *", Some("2026-11-20T10:05:00Z")),
            ("0 3 * * *", Some("2026-11-21T03:00:00Z")),
            ("@hourly", Some("2026-11-20T11:00:00Z")),
            ("0 0 1 jan *", Some("2027-01-01T00:00:00Z")),
            ("30 6 * * mon-wed", Some("2026-11-23T06:30:00Z")),
            // Either of the two days.
            ("0 0 1 * sat", Some("2026-11-21T00:00:00Z")),
            ("5/20 10 * * *", Some("2026-11-20T10:05:00Z")),
            ("0 0 29 2 *", Some("2028-02-29T00:00:00Z")),
            ("0 0 31 2 *", None),
        ] {
            let parsed = Schedule::parse(schedule).unwrap_or_else(|| panic!("{schedule}"));
            let found = parsed.next(now.parse().unwrap(), &TimeZone::UTC).map(|time| time.to_string());
            assert_eq!(found.as_deref(), next, "{schedule}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in ["", "* * * *", "60 * * * *", "* * 0 * *", "*/0 * * * *", "5-1 * * * *", "x * * * *", "@every 1h"] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }
}
