//! What a school does once a visit took place: it disputes, takes that back, rates. And moved deadlines, successors, sealed years.

use keis_ledger::classifiers::{Fact, Facts, Score, Year};

use super::*;

fn beside(by: &str, state: &str) -> Value {
    json!({ "dispute": { "by": by, "raised": NOW.0 - HOUR, "was": "attended", "state": state, "both": false } })
}

fn path(order: OrderId, part: &str) -> String {
    format!("/school/orders/{order}/{part}")
}

#[tokio::test]
async fn a_dispute_says_what_it_does_and_is_taken_back() {
    let stage = Stage::new().await;
    let own = stage.put(1, over(), OrderState::Delivered);
    let early = stage.put(2, ahead(), OrderState::Confirmed);
    let order = own.to_string();
    let coordinator = stage.coordinator().await;
    assert!(page(&coordinator, &format!("/school/orders/{own}")).await.says("dispute-raise"));
    for lang in LANGS {
        let form = page(&coordinator, &format!("{}?lang={}", path(own, "dispute"), lang.code())).await;
        for key in ["dispute-who-decides", "dispute-clock-stands", "dispute-once"] {
            assert!(form.text.contains(&lang.words().text(key).replace('\'', "&#39;")), "{key}");
        }
        assert!(form.text.contains(&lang.words().money(&Cents::new(1_500))), "{}", form.text);
    }
    page(&coordinator, "/school?lang=lt").await;
    let sheet = coordinator.post(&path(own, "dispute"), &[("order", &order)]).await;
    assert_eq!(sheet.asked(), [act(1, OrderAction::Dispute)]);
    let other = coordinator.post(&path(own, "dispute"), &[("order", &early.to_string())]).await;
    assert_eq!(other.status, 400);
    let sent = coordinator.get(&path(early, "dispute")).await;
    assert!(coordinator.follow(sent).await.says("dispute-not-now"));
    let teacher = stage.site.signed_in("teacher").await;
    assert_eq!(teacher.get(&path(own, "dispute")).await.status, 403);

    stage.put(1, over(), OrderState::Disputed);
    stage.market.book().beside.insert(own, beside("orderer", "open"));
    assert!(page(&coordinator, "/school").await.says("school-waits-dispute"));
    assert!(page(&coordinator, "/school/orders?state=disputed").await.text.contains(&order));
    let shown = page(&coordinator, &format!("/school/orders/{own}")).await;
    assert!(shown.says("dispute-open") && shown.says("dispute-withdraw"));
    let sheet = coordinator.post(&path(own, "dispute"), &[("order", &order)]).await;
    assert_eq!(sheet.asked(), [act(1, OrderAction::WithdrawDispute)]);
    stage.market.book().beside.insert(own, beside("provider", "open"));
    let shown = page(&coordinator, &format!("/school/orders/{own}")).await;
    assert!(shown.says("dispute-open") && !shown.says("dispute-withdraw"));

    stage.put(1, over(), OrderState::Attended);
    stage.market.book().beside.insert(own, beside("provider", "resolved"));
    let shown = page(&coordinator, &format!("/school/orders/{own}")).await;
    assert!(shown.says("dispute-resolved") && shown.says("dispute-split") && !shown.says("dispute-raise"));
    assert!(shown.says("school-next-decided") && !shown.says("school-act-amend"), "what is due is final");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_visit_is_rated_once_with_a_score_and_facts() {
    let stage = Stage::new().await;
    let own = stage.put(1, over(), OrderState::AttendedAutomatically);
    let order = own.to_string();
    let teacher = stage.site.signed_in("teacher").await;
    assert!(page(&teacher, &format!("/school/orders/{own}")).await.says("rating-title"));
    for lang in LANGS {
        let form = page(&teacher, &format!("{}?lang={}", path(own, "rate"), lang.code())).await;
        assert_eq!(form.text.matches("type=\"radio\"").count(), 5);
        assert_eq!(form.text.matches("type=\"checkbox\"").count(), 5);
    }
    page(&teacher, "/school?lang=lt").await;
    let form = [("order", order.as_str()), ("facts", "on_time"), ("facts", "took_place")];
    let none = teacher.post(&path(own, "rate"), &form).await;
    assert_eq!(none.status, 422);
    assert!(none.says("rating-no-score") && none.text.matches(" checked>").count() == 2, "{}", none.text);
    let sheet = teacher.post(&path(own, "rate"), &[&form[..], &[("score", "4")]].concat()).await;
    let facts = Facts::of(&[Fact::TookPlace, Fact::OnTime]);
    let score = Score::new(4).expect("a score");
    assert_eq!(sheet.asked(), [Operation::Rate { year: YEAR, order: own, score, facts }]);
    for wrong in [("score", "6"), ("score", "0"), ("score", "x"), ("facts", "fine")] {
        let form = [("order", order.as_str()), ("score", "4"), wrong];
        let form: Vec<_> = form.into_iter().rev().collect();
        assert_eq!(teacher.post(&path(own, "rate"), &form).await.status, 400, "{wrong:?}");
    }
    let subject = Subject { order: Some(own), year: Some(YEAR), ..Subject::default() };
    stage.market.change(Kind::RatedBySchool, subject, |_| {});
    let again = teacher.get(&path(own, "rate")).await;
    assert!(teacher.follow(again).await.says("rating-not-now"));
    assert!(!page(&teacher, &format!("/school/orders/{own}")).await.says("rating-title"));
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_services_page_shows_sums_of_ratings() {
    let stage = Stage::new().await;
    let nobody = stage.site.browser();
    let path = format!("/services/{SERVICE}");
    assert!(!page(&nobody, &path).await.says("rating-heading"));
    stage.market.book().rating = Some(json!({
        "schools": { "count": 6, "average_hundredths": 433, "facts": {
            "took_place": 6, "on_time": 5, "as_described": 6, "suited_to_age": 4, "accessible": 6,
        } },
    }));
    let shown = page(&nobody, &path).await;
    assert!(shown.says("rating-heading") && shown.text.contains("4,33") && shown.text.contains("4 iš 6"));
    stage.site.shutdown().await;
}

#[tokio::test]
async fn moved_deadlines_a_predecessors_orders_and_sealed_years() {
    let stage = Stage::new().await;
    let coordinator = stage.coordinator().await;
    let own = stage.put_of(1, ahead(), OrderState::Requested, SchoolId([0xEE; 16]));
    assert_eq!(coordinator.get(&format!("/school/orders/{own}")).await.status, 404);
    let (start, moved) = (NOW.0 + 10 * DAY, Timestamp(NOW.0 + 4 * DAY));
    stage.market.book().beside.insert(
        own,
        json!({
            "school_successor": stage.site.school.id,
            "deadlines": { "next": moved, "free_change": start - HOUR, "free_cancel": start - HOUR },
        }),
    );
    let shown = page(&coordinator, &format!("/school/orders/{own}")).await;
    assert!(shown.text.contains(&Lang::Lt.words().date_time(&moved)), "{}", shown.text);
    stage.market.book().sealed = Some(Year(2024));
    let told = coordinator.get("/school/orders?year=2024").await;
    assert_eq!(told.status, 410);
    assert!(told.says("trouble-sealed"));
    let class = page(&coordinator, "/school/class?branch=0&class=5a").await;
    let w = Lang::Lt.words();
    assert!(class.text.contains(&format!("{}, {}", stage.site.school.name, w.date(&NOW))), "{}", class.text);
    stage.site.shutdown().await;
}
