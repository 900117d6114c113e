//! What stands in a file: headers, encodings, lines that cannot be used.

use keis_registry::import::{ImportError, ImportReport};

use crate::scene::{PUPILS, SYSTEM, code, enrolled, extract, full, import, line, people, school, schools};
use crate::support::{Place, both};

async fn refused(text: &[u8]) -> ImportError {
    let place = Place::sqlite();
    let registry = place.open().await;
    schools(&registry).await;
    import(&registry, text, full()).await.expect_err("the header is wrong")
}

#[tokio::test]
async fn headers_that_are_none_are_refused() {
    assert!(matches!(refused(b"").await, ImportError::Empty));
    assert!(matches!(refused(&[0xFF, 0xFE, b'r', 0]).await, ImportError::Encoding));
    assert!(matches!(refused(b"register_code,\xE0\n").await, ImportError::Encoding));
    assert!(matches!(refused(PUPILS.replace(',', ";").as_bytes()).await, ImportError::Separator));
    let without = PUPILS.replace("grade", "level");
    let error = refused(without.as_bytes()).await;
    assert_eq!(error.to_string(), "the header is another one: missing are [grade], not expected are 1 columns");
    let twice = PUPILS.replace("\n", ",grade\n");
    assert!(matches!(refused(twice.as_bytes()).await, ImportError::Header { .. }));
    // Another file's header, and no header at all: the text of a line is not repeated.
    let error = refused(line(1, &people(1..2)[&1]).as_bytes()).await.to_string();
    assert!(!error.contains("Vardas"), "{error}");
}

#[tokio::test]
async fn marks_line_ends_quotes_and_the_order_of_columns_do_not_matter() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        let text = format!(
            "\u{feff}grade,joint_class,class,place,branch,school_code,family_name,given_name,register_code\r\n\
             5,,5a,LT-57,0,{0},\"Paulavičius, jaunesnysis\",\"Jonas \"\"Jonukas\"\"\",{1}\r\n\r\n\
             12,11b,12š,DE,1,{0},Ąžuolė,Ona,{2}",
            school(0),
            code(1),
            code(2)
        );
        let report = import(&registry, text, full()).await.unwrap();
        assert_eq!((report.lines, report.arrived, report.bad), (2, 2, 0), "{:?}", report.bad_lines);
        let people = enrolled(&registry, 1..3).await;
        assert_eq!(people[&1].family, "Paulavičius, jaunesnysis");
        assert_eq!(people[&1].given, "Jonas \"Jonukas\"");
        assert_eq!((people[&2].class.as_str(), people[&2].branch), ("12š", 1));
    })
    .await;
}

/// A file in which every line but three cannot be used.
fn spoiled() -> Vec<u8> {
    let [own, other] = [school(0), school(1)];
    let good = |number| format!("{},Jonas,Jonaitis,{own},0,LT-57,5a,,5\n", code(number)).into_bytes();
    let text = |text: String| text.into_bytes();
    let lines: Vec<Vec<u8>> = vec![
        good(1),
        text(format!("123,Slaptė,Slaptaitė,{own},0,LT-57,5a,,5\n")),
        text(format!("+{},Slaptė,Slaptaitė,{own},0,LT-57,5a,,5\n", &code(2)[1..])),
        text(format!("{},,Slaptaitė,{own},0,LT-57,5a,,5\n", code(3))),
        text(format!("{},Slaptė,Slaptaitė,190000001,0,LT-57,5a,,5\n", code(4))),
        text(format!("{},Slaptė,Slaptaitė,{},0,LT-57,5a,,5\n", code(5), school(9))),
        text(format!("{},Slaptė,Slaptaitė,{own},2,LT-57,5a,,5\n", code(6))),
        text(format!("{},Slaptė,Slaptaitė,{own},0,LT-61,5a,,5\n", code(7))),
        text(format!("{},Slaptė,Slaptaitė,{own},0,LT-57,,,5\n", code(8))),
        text(format!("{},Slaptė,Slaptaitė,{own},0,LT-57,5a,,13\n", code(9))),
        text(format!("{},Slaptė,Slaptaitė,{own},-1,LT-57,5a,,5\n", code(10))),
        text(format!("{},Slaptė,Slaptaitė,{own},0,LT-57,5a,5\n", code(11))),
        [code(12).as_bytes(), b",Slapt\xEB,Slaptait\xEB,", own.as_bytes(), b",0,LT-57,5a,,5\n"].concat(),
        text(format!("{},\"Slaptė,Slaptaitė,{own},0,LT-57,5a,,5\n", code(13))),
        text(format!("{},{},Slaptaitė,{own},0,LT-57,5a,,5\n", code(14), "S".repeat(70_000))),
        text(format!("{},{},Slaptaitė,{own},0,LT-57,5a,,5\n", code(15), "S".repeat(300))),
        good(16),
        text(format!("{},Slaptė,Slaptaitė,{other},0,LT-57,6a,,6\n", code(1))),
        text(format!("{},Sla\u{7}ptė,Slaptaitė,{own},0,LT-57,5a,,5\n", code(18))),
        good(19),
    ];
    [PUPILS.as_bytes().to_vec(), lines.concat()].concat()
}

#[tokio::test]
async fn bad_lines_are_named_and_stop_no_other() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        let report: ImportReport = import(&registry, spoiled(), full()).await.unwrap();
        assert_eq!((report.lines, report.arrived, report.bad), (20, 3, 17));
        let said: Vec<(u64, String)> = report.bad_lines.iter().map(|bad| (bad.line, bad.problem.to_string())).collect();
        let said: Vec<(u64, &str)> = said.iter().map(|(line, problem)| (*line, problem.as_str())).collect();
        assert_eq!(
            said,
            [
                (3, "register_code is not ten digits"),
                (4, "register_code is not ten digits"),
                (5, "given_name is empty"),
                (6, "school_code is not a legal entity code"),
                (7, "school_code is no school of the registry"),
                (8, "branch is none of the school's 1"),
                (9, "place is not a place (LT-01 to LT-60, or two letters of a country)"),
                (10, "class is empty"),
                (11, "grade is not a number from 1 to 12"),
                (12, "branch is not a number from 0 to 255"),
                (13, "has 8 columns, the header has 9"),
                (14, "is not UTF-8"),
                (15, "a quote is not closed on its line"),
                (16, "is longer than any line may be"),
                (17, "given_name is longer than a name, or holds control characters"),
                (19, "the pupil stands on line 2 already"),
                (20, "given_name is longer than a name, or holds control characters"),
            ]
        );
        let shown = format!("{report:?}");
        assert!(!shown.contains("Slapt") && !shown.contains(&code(3)), "a report names nobody: {shown}");
        assert_eq!(enrolled(&registry, 0..30).await.keys().copied().collect::<Vec<_>>(), [1, 16, 19]);
    })
    .await;
}

#[tokio::test]
async fn a_pupil_on_a_bad_line_is_not_missing() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        let mut people = people(0..20);
        import(&registry, extract(&people), full()).await.unwrap();
        // Pupil 3 stands on a line that cannot be used, pupil 4 is missing.
        people.remove(&4);
        let bad = extract(&people).replace(&line(3, &people[&3]), &line(3, &people[&3]).replace("LT-57", "XX-1"));
        let report = import(&registry, bad, full()).await.unwrap();
        assert_eq!((report.left, report.bad, report.kept), (1, 1, 0));
        assert!(enrolled(&registry, 0..20).await.contains_key(&3));
        // As long as a line is nobody's, it may be the line of who is missing.
        people.remove(&5);
        let unread = format!("{}garbage\n", extract(&people));
        let report = import(&registry, &unread, full()).await.unwrap();
        assert_eq!((report.left, report.kept), (0, 1));
        assert!(enrolled(&registry, 0..20).await.contains_key(&5));
        let options = keis_registry::import::Options { leave_despite_unread: true, ..full() };
        let report = import(&registry, &unread, options).await.unwrap();
        assert_eq!((report.left, report.kept), (1, 0));
        assert_eq!(enrolled(&registry, 0..20).await, people);
    })
    .await;
}

#[tokio::test]
async fn schools_and_providers_are_made_renewed_and_checked() {
    use keis_registry::import::{import_providers, import_schools};
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        let text = format!(
            "school_code,name,place,branches\n{},Šilo licėjus,LT-57,2\n{},Upės mokykla,LT-13,1\n{},Nauja,LT-99,0\n{},,LT-01,0\n{},Antra,LT-01,0\n{},Dar,LT-01,0\n",
            school(0), school(1), school(2), school(3), school(4), school(4)
        );
        let trial = import_schools(&registry, &SYSTEM, text.as_bytes(), true, &mut |_| {}).await.unwrap();
        assert_eq!(registry.school_by_code(&school(0)).await.unwrap().unwrap().branches, 1, "a trial changes nothing");
        let report = import_schools(&registry, &SYSTEM, text.as_bytes(), false, &mut |_| {}).await.unwrap();
        assert_eq!(report, trial);
        assert_eq!((report.arrived, report.changed, report.unchanged, report.bad), (1, 1, 1, 3));
        assert_eq!(registry.school_by_code(&school(0)).await.unwrap().unwrap().branches, 2);

        let report = crate::scene::providers(&registry).await;
        assert_eq!((report.arrived, report.bad), (2, 0), "{:?}", report.bad_lines);
        let again = crate::scene::providers(&registry).await;
        assert_eq!((again.arrived, again.unchanged), (0, 2));
        let wrong = "provider_code,kind,name,place,vat_status,controlling_code\n12,legal,A,LT-57,registered,\n\
                     1234567,legal,A,LT-57,registered,\n1234568,natural,A,LT-57,perhaps,\n1234569,person,A,LT-57,registered,\n";
        let report = import_providers(&registry, &SYSTEM, wrong.as_bytes(), false, &mut |_| {}).await.unwrap();
        assert_eq!((report.arrived, report.bad), (0, 4), "{:?}", report.bad_lines);
    })
    .await;
}
