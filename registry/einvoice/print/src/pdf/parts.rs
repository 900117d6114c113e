//! The parts of a document on its pages, from title to foot.

use crate::sheet::{Cell, Column, Fact, Party, Sheet};

use super::face::Weight;
use super::flow::{Flow, INK, INNER, MARGIN, Mark, PALE, RULE, SHADE, Style, WIDTH};

const TITLE: Style = Style::new(17.0, Weight::Bold, INK);
const NUMBER: Style = Style::new(11.0, Weight::Regular, INK);
const HEADING: Style = Style::new(9.5, Weight::Bold, INK);
const LABEL: Style = Style::new(8.5, Weight::Regular, PALE);
const BODY: Style = Style::new(8.5, Weight::Regular, INK);
const STRONG: Style = Style::new(8.5, Weight::Bold, INK);
const SMALL: Style = Style::new(6.5, Weight::Regular, PALE);
const FOOT: Style = Style::new(7.0, Weight::Regular, PALE);

/// Between two columns of text.
const GUTTER: f32 = 18.0;
/// Around the text of a table's cell.
const PAD: f32 = 3.0;
/// Most lines of one cell on a page: a row is never higher than a page.
const MOST_LINES: usize = 40;

/// The marks of every page.
pub(super) fn pages(sheet: &Sheet) -> Vec<Vec<Mark>> {
    let mut flow = Flow::new();
    head(&mut flow, sheet);
    parties(&mut flow, &sheet.parties);
    facts(&mut flow, &sheet.facts);
    if !sheet.notes.is_empty() {
        heading(&mut flow, sheet.words.notes);
        sheet.notes.iter().for_each(|note| flow.paragraph(BODY, note));
    }
    heading(&mut flow, sheet.words.services);
    table(&mut flow, &sheet.columns, &sheet.rows);
    taxation(&mut flow, sheet);
    totals(&mut flow, &sheet.totals);
    payment(&mut flow, sheet);
    flow.skip(10.0);
    flow.paragraph(SMALL, sheet.words.readable);
    let (words, name) = (sheet.words, sheet.heading());
    flow.finish(FOOT, |page, pages| {
        let name: String = name.chars().take(110).collect();
        (name, format!("{} {page} {} {pages}", words.page, words.of_pages))
    })
}

fn head(flow: &mut Flow, sheet: &Sheet) {
    flow.paragraph(TITLE, sheet.title);
    flow.paragraph(NUMBER, &format!("{} {}", sheet.words.number, sheet.number));
    flow.skip(12.0);
}

/// Both parties beside each other.
fn parties(flow: &mut Flow, parties: &[Party; 2]) {
    let width = (INNER - GUTTER) / 2.0;
    let set = |party: &Party| {
        let mut lines = vec![(LABEL, party.heading.to_owned())];
        lines.extend(STRONG.lines(&party.name, width).into_iter().map(|line| (STRONG, line)));
        let texts = party.lines.iter().flat_map(|text| BODY.lines(text, width));
        lines.extend(texts.map(|line| (BODY, line)));
        lines
    };
    let columns = [set(&parties[0]), set(&parties[1])];
    for row in 0..columns[0].len().max(columns[1].len()) {
        flow.need(BODY.leading());
        for (index, column) in columns.iter().enumerate() {
            let x = if index == 0 { MARGIN } else { MARGIN + width + GUTTER };
            if let Some((style, line)) = column.get(row) {
                flow.text((x, flow.y), *style, line);
            }
        }
        flow.skip(BODY.leading());
    }
    flow.skip(10.0);
}

/// Labels with their texts beside.
fn facts(flow: &mut Flow, facts: &[Fact]) {
    let label = 120.0;
    for (name, text) in facts {
        for (index, line) in BODY.lines(text, INNER - label).iter().enumerate() {
            flow.need(BODY.leading());
            if index == 0 {
                flow.text((MARGIN, flow.y), LABEL, name);
            }
            flow.text((MARGIN + label, flow.y), BODY, line);
            flow.skip(BODY.leading());
        }
    }
}

fn heading(flow: &mut Flow, text: &str) {
    flow.skip(10.0);
    flow.need(3.0 * HEADING.leading());
    flow.text((MARGIN, flow.y), HEADING, text);
    flow.skip(HEADING.leading() + 2.0);
}

/// Left edges and widths of columns.
fn places(columns: &[Column]) -> Vec<(f32, f32)> {
    let mut x = MARGIN;
    let place = |column: &Column| {
        let width = INNER * f32::from(column.width) / 1_000.0;
        let place = (x, width);
        x += width;
        place
    };
    columns.iter().map(place).collect()
}

/// A table whose head stands on every page.
fn table(flow: &mut Flow, columns: &[Column], rows: &[Vec<Cell>]) {
    let places = places(columns);
    table_head(flow, columns, &places);
    for row in rows {
        let cells: Vec<Vec<(Style, String)>> =
            row.iter().zip(&places).map(|(cell, (_, width))| cell_lines(cell, width - 2.0 * PAD)).collect();
        let high = |lines: &Vec<(Style, String)>| lines.iter().map(|(style, _)| style.leading()).sum::<f32>();
        let height = cells.iter().map(high).fold(BODY.leading(), f32::max) + 2.0 * PAD;
        if flow.need(height) {
            table_head(flow, columns, &places);
        }
        let top = flow.y;
        for ((lines, cell), (x, width)) in cells.iter().zip(row).zip(&places) {
            let mut y = top + PAD;
            for (style, line) in lines {
                put(flow, (*x, *width), y, *style, (line, cell.figures));
                y += style.leading();
            }
        }
        flow.skip(height);
        flow.band((MARGIN, flow.y - 0.5), (INNER, 0.5), RULE);
    }
}

fn table_head(flow: &mut Flow, columns: &[Column], places: &[(f32, f32)]) {
    let labels: Vec<Vec<String>> =
        columns.iter().zip(places).map(|(column, (_, width))| STRONG.lines(column.label, width - 2.0 * PAD)).collect();
    let most = labels.iter().map(Vec::len).max().unwrap_or(1);
    let height = (0..most).map(|_| STRONG.leading()).sum::<f32>() + 2.0 * PAD;
    flow.need(height + 2.0 * BODY.leading());
    let top = flow.y;
    flow.band((MARGIN, top), (INNER, height), SHADE);
    for ((lines, column), place) in labels.iter().zip(columns).zip(places) {
        let mut y = top + PAD;
        for line in lines {
            put(flow, *place, y, STRONG, (line, column.figures));
            y += STRONG.leading();
        }
    }
    flow.skip(height);
}

fn put(flow: &mut Flow, (x, width): (f32, f32), top: f32, style: Style, (text, figures): (&str, bool)) {
    if figures {
        flow.text_to((x + width - PAD, top), style, text);
    } else {
        flow.text((x + PAD, top), style, text);
    }
}

fn cell_lines(cell: &Cell, width: f32) -> Vec<(Style, String)> {
    let text = BODY.lines(&cell.text, width).into_iter().map(|line| (BODY, line));
    let below = cell.below.iter().flat_map(|text| SMALL.lines(text, width)).map(|line| (SMALL, line));
    text.chain(below).take(MOST_LINES).collect()
}

fn taxation(flow: &mut Flow, sheet: &Sheet) {
    let words = sheet.words;
    heading(flow, words.taxation);
    let column = |label, width, figures| Column { label, width, figures };
    let columns = [column(words.category, 640, false), column(words.taxable, 190, true), column(words.tax, 170, true)];
    let cell = |text: &str, figures: bool| Cell { text: text.to_owned(), below: Vec::new(), figures };
    let rows: Vec<Vec<Cell>> = sheet
        .groups
        .iter()
        .map(|group| {
            let below = group.reason.iter().cloned().collect();
            let label = Cell { text: group.label.clone(), below, figures: false };
            vec![label, cell(&group.taxable, true), cell(&group.tax, true)]
        })
        .collect();
    table(flow, &columns, &rows);
}

/// The sums at the right, the last of them strong.
fn totals(flow: &mut Flow, totals: &[Fact]) {
    flow.skip(8.0);
    flow.need(STRONG.leading() * 5.0);
    for (index, (label, sum)) in totals.iter().enumerate() {
        let is_last = index + 1 == totals.len();
        let (name, style) = if is_last { (STRONG, STRONG) } else { (LABEL, BODY) };
        flow.text((WIDTH - MARGIN - 200.0, flow.y), name, label);
        flow.text_to((WIDTH - MARGIN - PAD, flow.y), style, sum);
        flow.skip(STRONG.leading());
    }
}

fn payment(flow: &mut Flow, sheet: &Sheet) {
    if sheet.payments.is_empty() && sheet.terms.is_none() {
        return;
    }
    heading(flow, sheet.words.payment);
    sheet.payments.iter().for_each(|payment| facts(flow, payment));
    if let Some(terms) = &sheet.terms {
        facts(flow, &[(sheet.words.terms, terms.clone())]);
    }
}
