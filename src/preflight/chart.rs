//! What is known of an official chart before it is installed. Pure.

use super::Objection;
use crate::stack::definition::ChartFailure;

/// Known failures, those first with which nothing can come of it.
pub fn failures(named: &str, known: &[ChartFailure]) -> Vec<Objection> {
    let objection = |failure: &ChartFailure| {
        let message = format!("the chart {named} is known for this: {}", failure.what);
        let remedy = "change the values that it is about, or leave --chart out: the built-in manifests do without it";
        if failure.fatal {
            Objection::refusal("chart", message, remedy)
        } else {
            Objection::warning("chart", message, remedy)
        }
    };
    let mut all: Vec<Objection> = known.iter().map(objection).collect();
    all.sort_by_key(|objection| !objection.refuses);
    all
}

#[cfg(test)]
mod tests {
    use super::super::testing::lines;
    use super::*;

    #[test]
    fn what_is_fatal_refuses_and_comes_first() {
        let failure = |what: &str, fatal| ChartFailure { versions: None, when: None, what: what.to_owned(), fatal };
        let told = lines(&failures("shop 0.1.0", &[failure("it is slow", false), failure("it never starts", true)]));
        assert_eq!(
            told,
            [
                "refuses: the chart shop 0.1.0 is known for this: it never starts",
                "warns: the chart shop 0.1.0 is known for this: it is slow"
            ]
        );
    }
}
