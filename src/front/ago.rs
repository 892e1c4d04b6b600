//! How old something is, as people say it.

use jiff::Timestamp;

/// Seconds of each unit, the largest first.
const UNITS: [(i64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];

/// `3 days`, `1 hour`, `moments`.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    let fits = UNITS.iter().find(|(length, _)| seconds >= *length);
    fits.map_or_else(
        || "moments".to_owned(),
        |(length, unit)| super::paint::count(usize::try_from(seconds / length).unwrap_or(usize::MAX), unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_is_said() {
        let then: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let after = |seconds| ago(then + jiff::SignedDuration::from_secs(seconds), then);
        assert_eq!(
            [after(-5), after(59), after(60), after(7_200), after(100_000)],
            ["moments", "moments", "1 minute", "2 hours", "1 day"]
        );
    }
}
