//! Disputes as a provider sees them, moved deadlines, what came from a predecessor, and years that are sealed.

use serde_json::json;

use super::*;

fn dispute(by: &str, state: &str) -> Value {
    json!({ "dispute": { "by": by, "raised": NOW.0 - HOUR, "was": "delivered", "state": state, "both": false } })
}

#[tokio::test]
async fn a_dispute_is_raised_once_and_taken_back_by_who_raised_it() {
    let stage = Stage::new().await;
    let own = stage.put(1, over(), OrderState::Delivered);
    let early = stage.put(2, ahead(), OrderState::Confirmed);
    let staff = stage.staff().await;
    let path = format!("/provider/orders/{own}/dispute?year=2026");
    assert!(page(&staff, &format!("/provider/orders/{own}")).await.says("dispute-raise"));
    for lang in LANGS {
        let form = page(&staff, &format!("{path}&lang={}", lang.code())).await;
        assert!(form.text.contains(&lang.words().text("dispute-who-decides").replace('\'', "&#39;")));
        assert!(form.text.contains("data-intent=\"order.dispute\""));
    }
    page(&staff, "/provider?lang=lt").await;
    let order = own.to_string();
    let sheet = staff.post(&path, &[("order", &order)]).await;
    assert_eq!(sheet.asked(), [act(1, OrderAction::Dispute)]);
    assert_eq!(staff.post(&path, &[("order", &early.to_string())]).await.status, 400);
    let not_now = staff.get(&format!("/provider/orders/{early}/dispute")).await;
    assert!(staff.follow(not_now).await.says("dispute-not-now"));

    stage.put(1, over(), OrderState::Disputed);
    stage.market.book().beside.insert(own, dispute("provider", "open"));
    let shown = page(&staff, &format!("/provider/orders/{own}")).await;
    assert!(shown.says("dispute-open") && shown.says("dispute-waits") && shown.says("dispute-withdraw"));
    assert!(page(&staff, "/provider").await.says("provider-disputes-wait"));
    assert!(page(&staff, "/provider/requests?show=disputed").await.text.contains(&order));
    let sheet = staff.post(&path, &[("order", &order)]).await;
    assert_eq!(sheet.asked(), [act(1, OrderAction::WithdrawDispute)]);

    stage.market.book().beside.insert(own, dispute("orderer", "open"));
    let shown = page(&staff, &format!("/provider/orders/{own}")).await;
    assert!(shown.says("dispute-open") && !shown.says("dispute-withdraw"));
    assert_eq!(staff.post(&path, &[("order", &order)]).await.status, 303);
    stage.site.shutdown().await;
}

#[tokio::test]
async fn what_was_decided_is_shown_line_by_line() {
    let stage = Stage::new().await;
    let own = stage.put(1, over(), OrderState::Attended);
    {
        let mut book = stage.market.book();
        let lines = &mut book.orders.get_mut(&own).expect("it was put there").lines;
        for (line, due) in lines.iter_mut().zip([500, 250, 0]) {
            line.state = LineState::Attended;
            line.due = Amounts { state: Cents::new(due), school: Cents::ZERO };
        }
        book.beside.insert(own, dispute("orderer", "resolved"));
    }
    let staff = stage.staff().await;
    let shown = page(&staff, &format!("/provider/orders/{own}")).await;
    assert!(shown.says("dispute-resolved") && shown.says("dispute-split") && !shown.says("dispute-raise"));
    assert!(shown.text.contains("2,50"), "{}", shown.text);
    assert!(!shown.says("provider-amend-attendance"), "what is due is final");
    stage.site.shutdown().await;
}

#[tokio::test]
async fn deadlines_are_shown_as_extensions_moved_them() {
    let stage = Stage::new().await;
    let own = stage.put(1, ahead(), OrderState::Requested);
    let (start, moved) = (NOW.0 + 10 * DAY, Timestamp(NOW.0 + 3 * DAY));
    let staff = stage.staff().await;
    let w = Lang::Lt.words();
    let pinned = w.date_time(&stage.market.book().orders[&own].deadline);
    assert!(page(&staff, "/provider/requests").await.text.contains(&pinned));
    stage.market.book().beside.insert(
        own,
        json!({ "deadlines": { "next": moved, "free_change": start - HOUR, "free_cancel": start - 2 * HOUR } }),
    );
    let list = page(&staff, "/provider/requests").await;
    assert!(list.text.contains(&w.date_time(&moved)) && !list.text.contains(&pinned));
    let shown = page(&staff, &format!("/provider/orders/{own}")).await;
    for at in [moved, Timestamp(start - HOUR), Timestamp(start - 2 * HOUR)] {
        assert!(shown.text.contains(&w.date_time(&at)), "{}", w.date_time(&at));
    }
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_successor_goes_on_with_its_predecessors_orders_and_statements() {
    let stage = Stage::new().await;
    let before = ProviderId([0xEE; 16]);
    let own = stage.put_of(1, ahead(), OrderState::Requested, before);
    let made = statement(&stage);
    {
        let mut book = stage.market.book();
        book.provider = json!({ "predecessors": [before] });
        book.beside.insert(own, json!({ "provider_successor": stage.site.provider.id }));
        book.statements.get_mut(&made).expect("it is there").provider = before;
    }
    let staff = stage.staff().await;
    assert!(page(&staff, "/provider/requests").await.text.contains(&own.to_string()));
    page(&staff, &format!("/provider/orders/{own}")).await;
    let sheet = staff.post("/provider/requests/answer", &[("order", &own.to_string()), ("act", "confirm")]).await;
    assert_eq!(sheet.asked(), [act(1, OrderAction::Confirm)]);
    assert!(page(&staff, "/provider/statements").await.text.contains(&made.to_string()));
    page(&staff, &format!("/provider/statements/{made}")).await;
    stage.site.shutdown().await;
}

#[tokio::test]
async fn a_sealed_year_is_told_in_words() {
    let stage = Stage::new().await;
    stage.market.book().sealed = Some(Year(2024));
    let staff = stage.staff().await;
    for path in ["/provider/statements?year=2024", &format!("/provider/orders/{}?year=2024", id(1))] {
        let told = staff.get(path).await;
        assert_eq!(told.status, 410, "{path}");
        assert!(told.says("trouble-sealed") && told.says("trouble-sealed-more"), "{path}");
    }
    assert_eq!(staff.get("/provider/statements?year=2023").await.status, 404);
    stage.site.shutdown().await;
}
