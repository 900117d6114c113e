//! The table of permissions, frozen: who changes it changes this text and the README.

use keis_ledger::ids::{ProviderId, SchoolId};
use keis_registry::ids::UserId;
use keis_registry::permission::{Body, Permission, Role};
use keis_registry::users::{Grant, User};

const TABLE: &str = "\
| | Coordinator | Teacher | ProviderStaff | Officer | BudgetOfficer |
|---|---|---|---|---|---|
| SeeClasses | yes | yes | | yes | |
| ProposeOrder | yes | yes | | | |
| PlaceOrder | yes | | | | |
| TickAttendance | yes | yes | | | |
| SeeMoney | yes | yes | yes | yes | yes |
| OfferSessions | | | yes | | |
| AnswerRequests | | | yes | | |
| ReportDelivery | | | yes | | |
| SeeStatements | yes | | yes | yes | yes |
| AcceptStatements | | | yes | | |
| RefuseInvoices | yes | | | | |
| ApproveKeys | | | | yes | |
| ManageYear | | | | yes | yes |
| PublishServices | | | | yes | |
| ImportRegister | | | | yes | |
| SeeLog | | | | yes | yes |
| SeeDifferences | | | | yes | |
| ActOnBehalf | | | | yes | |
| ErasePerson | | | | yes | |
| ManageBodies | | | | yes | |
| HoldKeys | yes | yes | yes | yes | yes |
| ApproveInvoices | | | | yes | |
| RecordPayments | | | | yes | yes |
| Decide | | | | yes | yes |
";

fn table() -> String {
    let mut text = String::from("| |");
    for role in Role::ALL {
        text += &format!(" {role:?} |");
    }
    text += &format!("\n|{}\n", "---|".repeat(Role::ALL.len() + 1));
    for permission in Permission::ALL {
        text += &format!("| {permission:?} |");
        for role in Role::ALL {
            text += if role.may(permission) { " yes |" } else { " |" };
        }
        text.push('\n');
    }
    text
}

#[test]
fn the_table_is_the_one_that_was_agreed_and_the_readme_shows_it() {
    println!("{}", table());
    assert_eq!(table(), TABLE);
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(TABLE), "README.md does not show the table");
}

#[test]
fn a_grant_reaches_its_own_body_alone_and_the_operators_every_school_and_provider() {
    let (school, other) = (Body::School(SchoolId([1; 16])), Body::School(SchoolId([2; 16])));
    let provider = Body::Provider(ProviderId([1; 16]));
    let user = |role, body| User { id: UserId([0; 16]), name: String::new(), grants: vec![Grant { role, body }] };
    let coordinator = user(Role::Coordinator, school);
    assert!(coordinator.may(Permission::SeeClasses, &school));
    assert!(!coordinator.may(Permission::SeeClasses, &other));
    assert!(!coordinator.may(Permission::SeeClasses, &provider));
    assert!(!coordinator.may(Permission::SeeLog, &school));
    let officer = user(Role::Officer, Body::Operator);
    assert!(officer.may(Permission::SeeClasses, &school) && officer.may(Permission::SeeClasses, &other));
    assert!(officer.may(Permission::SeeLog, &Body::Operator));
    assert!(!officer.may(Permission::PlaceOrder, &school));
    assert!(!officer.may(Permission::ManageYear, &Body::BudgetHolder));
    let budget = user(Role::BudgetOfficer, Body::BudgetHolder);
    assert!(budget.may(Permission::ManageYear, &Body::BudgetHolder));
    assert!(!budget.may(Permission::SeeMoney, &school));
    assert!(!budget.may(Permission::ManageYear, &Body::Operator));
}

#[test]
fn nobody_may_anything_without_a_grant() {
    let nobody = User { id: UserId([0; 16]), name: String::new(), grants: Vec::new() };
    for permission in Permission::ALL {
        for body in
            [Body::Operator, Body::BudgetHolder, Body::School(SchoolId([0; 16])), Body::Provider(ProviderId([0; 16]))]
        {
            assert!(!nobody.may(permission, &body), "{permission:?} at {body}");
            assert_eq!(body.to_string().parse(), Ok(body));
        }
    }
    for role in Role::ALL {
        assert_eq!(role.to_string().parse(), Ok(role));
    }
}
