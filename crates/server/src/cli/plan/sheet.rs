//! A plan as a table: CSV, or XLSX for a spreadsheet.

use std::path::Path;

use hotline_sim::plan::Need;
use rust_xlsxwriter::{Workbook, XlsxError};

use crate::cli::{
    Failure,
    simulate::{clock, share},
};

/// Names of the columns. Shares are of all calls: `answered` and `in_time` by Erlang A, `sim_…` as
/// the simulation counted.
pub const COLUMNS: [&str; 9] = [
    "from",
    "calls",
    "handling_s",
    "erlang_a",
    "seats",
    "answered",
    "in_time",
    "sim_answer",
    "sim_intime",
];

/// A half hour as text.
pub fn cells(at: usize, need: &Need) -> [String; COLUMNS.len()] {
    let simulated = |of: usize| {
        let ratio = need.simulated.map(|both| [both.0, both.1]);
        let ratio = ratio.and_then(|both| both.get(of).copied());
        ratio.map_or(String::new(), share)
    };
    [
        clock(at),
        format!("{:.1}", need.demand.calls),
        format!("{:.1}", need.demand.handling_s),
        need.by_formula.to_string(),
        need.seats.to_string(),
        format!("{:.4}", need.answered),
        format!("{:.4}", need.in_time),
        simulated(0),
        simulated(1),
    ]
}

/// How a plan is written.
#[derive(Clone, Copy)]
pub enum Format {
    Csv,
    Xlsx,
}

/// How the plan will be written: the file's ending says it.
pub fn format(file: &Path) -> Result<Format, Failure> {
    match file.extension().and_then(|end| end.to_str()) {
        Some("csv") => Ok(Format::Csv),
        Some("xlsx") => Ok(Format::Xlsx),
        _ => {
            let what = "--out: name a file that ends with .csv or .xlsx";
            Err(Failure::wrong(what))
        }
    }
}

/// Writes the plan.
pub fn write(file: &Path, format: Format, needs: &[Need]) -> Result<(), Failure> {
    let fault = |error: &dyn std::fmt::Display| {
        Failure::world(format!("{} cannot be written: {error}", file.display()))
    };
    match format {
        Format::Csv => csv(file, needs).map_err(|error| fault(&error))?,
        Format::Xlsx => xlsx(file, needs).map_err(|error| fault(&error))?,
    }
    println!("written: {}", file.display());
    Ok(())
}

fn csv(file: &Path, needs: &[Need]) -> csv::Result<()> {
    let mut csv = csv::Writer::from_path(file)?;
    csv.write_record(COLUMNS)?;
    for (at, need) in needs.iter().enumerate() {
        csv.write_record(cells(at, need))?;
    }
    Ok(csv.flush()?)
}

fn xlsx(file: &Path, needs: &[Need]) -> Result<(), XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(COLUMNS) {
        sheet.write(0, column, name)?;
    }
    for (at, need) in needs.iter().enumerate() {
        let row = u32::try_from(at + 1).unwrap_or(u32::MAX);
        for (column, cell) in (0..).zip(cells(at, need)) {
            // Numbers as numbers, so that the sheet can add them up.
            match cell.parse::<f64>() {
                Ok(number) => sheet.write(row, column, number)?,
                Err(_) => sheet.write(row, column, cell)?,
            };
        }
    }
    book.save(file)
}
