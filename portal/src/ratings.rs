//! Ratings in words: the scores, the facts, and the sums that a service's page shows.

use keis_ledger::classifiers::{Fact, Score};
use keis_wallet::client::{Rating, Ratings};

use crate::words::Words;

/// Scores from the best one down.
pub(crate) const SCORES: [u8; 5] = [5, 4, 3, 2, 1];

/// Key of a score's word.
pub(crate) fn score_key(score: Score) -> &'static str {
    match score.get() {
        1 => "rating-score-1",
        2 => "rating-score-2",
        3 => "rating-score-3",
        4 => "rating-score-4",
        _ => "rating-score-5",
    }
}

/// A fact's name in forms and on the ledger.
pub(crate) fn code(fact: Fact) -> &'static str {
    match fact {
        Fact::TookPlace => "took_place",
        Fact::OnTime => "on_time",
        Fact::AsDescribed => "as_described",
        Fact::SuitedToAge => "suited_to_age",
        Fact::Accessible => "accessible",
    }
}

/// Key of a fact's words.
pub(crate) fn fact_key(fact: Fact) -> &'static str {
    match fact {
        Fact::TookPlace => "rating-fact-took-place",
        Fact::OnTime => "rating-fact-on-time",
        Fact::AsDescribed => "rating-fact-as-described",
        Fact::SuitedToAge => "rating-fact-suited-to-age",
        Fact::Accessible => "rating-fact-accessible",
    }
}

/// What those who were there say of a service.
pub(crate) struct RatingLook {
    pub(crate) by: String,
    pub(crate) average: String,
    pub(crate) count: String,
    /// What was as it should be, and how many of all say so.
    pub(crate) facts: Vec<(String, String)>,
}

/// The sums that are told; none are of few ratings.
pub(crate) fn look(w: &Words, rating: &Rating) -> Vec<RatingLook> {
    let told = [("rating-by-schools", &rating.schools), ("rating-by-pupils", &rating.pupils)];
    told.into_iter().filter_map(|(key, sums)| Some(of(w, key, sums.as_ref()?))).collect()
}

fn of(w: &Words, by: &str, sums: &Ratings) -> RatingLook {
    let Ratings { count, average_hundredths, facts } = sums;
    let comma = if w.lang().code() == "lt" { ',' } else { '.' };
    let (whole, rest) = (average_hundredths / 100, average_hundredths % 100);
    let average = format!("{whole}{comma}{rest:02}");
    let of_all = |fact: &Fact| {
        let said = facts.get(fact).copied().unwrap_or_default();
        w.with("rating-of-all", &[("said", &w.number(said)), ("all", &w.number(*count))])
    };
    RatingLook {
        by: w.text(by),
        average: w.with1("rating-average", "average", &average),
        count: w.count("rating-count", *count),
        facts: Fact::ALL.iter().map(|fact| (w.text(fact_key(*fact)), of_all(fact))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::words::{LANGS, Lang};

    #[test]
    fn every_score_and_fact_has_words_and_the_ledgers_name() {
        for lang in LANGS {
            for score in SCORES.into_iter().filter_map(Score::new) {
                assert!(lang.words().has(score_key(score)));
            }
            for fact in Fact::ALL {
                assert!(lang.words().has(fact_key(fact)));
                assert_eq!(serde_json::to_value(fact).expect("a name"), code(fact));
            }
        }
    }

    #[test]
    fn sums_are_told_only_where_there_are_any() {
        let sums = Ratings { count: 7, average_hundredths: 405, facts: BTreeMap::from([(Fact::OnTime, 6)]) };
        let rating = Rating { schools: Some(sums), pupils: None };
        let told = look(Lang::Lt.words(), &rating);
        assert_eq!(told.len(), 1);
        assert!(told[0].average.contains("4,05"), "{}", told[0].average);
        assert!(told[0].facts[1].1.contains('6') && told[0].facts[0].1.contains('0'));
        assert!(look(Lang::En.words(), &Rating::default()).is_empty());
    }
}
