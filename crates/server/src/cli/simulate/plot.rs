//! Two plots of a simulated time, as SVG.

use std::{error::Error, path::Path};

use hotline_sim::day::{Figures, Report};
use plotters::{
    prelude::{
        ChartBuilder, Color, IntoDrawingArea, LineSeries, PathElement, RGBColor, SVGBackend,
    },
    style::{BLACK, WHITE},
};

/// Width and height, pixels.
const SIZE: (u32, u32) = (1_200, 500);

/// Blue, orange, green, red and purple of the Okabe–Ito palette, which colour-blind people can tell apart.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
];

type Series<'a> = (&'a str, fn(&Figures) -> Option<f64>);

/// Calls a half hour: came, answered, gave up, heard busy, hung up for a callback.
pub fn calls(file: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    let series: [Series<'_>; 5] = [
        ("inbound", |f| Some(f.counts.inbound() as f64)),
        ("answered", |f| Some(f.counts.answered as f64)),
        ("abandoned", |f| Some(f.counts.abandoned as f64)),
        ("busy", |f| Some(f.counts.rejected as f64)),
        ("callbacks", |f| Some(f.callbacks as f64)),
    ];
    draw(file, "calls per half hour", report, &series)
}

/// K1 and K3 in percent, and the mean wait in seconds.
pub fn rates(file: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    let series: [Series<'_>; 3] = [
        ("K1 answer rate, %", |f| {
            percent(f.counts.answer_rate().value())
        }),
        ("K7 mean wait, s", Figures::mean_wait_s),
        ("K3 in 15 s, %", |f| {
            let [in_15s, ..] = f.counts.answered_in_seconds();
            percent(in_15s.value())
        }),
    ];
    draw(file, "answer rate, in time, wait", report, &series)
}

fn percent(share: Option<f64>) -> Option<f64> {
    share.map(|share| share * 100.0)
}

fn draw(
    file: &Path,
    title: &str,
    report: &Report,
    series: &[Series<'_>],
) -> Result<(), Box<dyn Error>> {
    let points = |of: fn(&Figures) -> Option<f64>| {
        let half_hours = report.half_hours.iter().enumerate();
        half_hours.filter_map(move |(at, half_hour)| Some((at as f64 / 2.0, of(&half_hour.all)?)))
    };
    let all = series.iter().flat_map(|(_, of)| points(*of));
    let most = all.map(|(_, value)| value).fold(1.0, f64::max);
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 22))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..report.half_hours.len() as f64 / 2.0, 0.0..most * 1.05)?;
    chart.configure_mesh().x_desc("hours").draw()?;
    for ((name, of), colour) in series.iter().zip(COLOURS) {
        chart
            .draw_series(LineSeries::new(points(*of), colour.stroke_width(2)))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    area.present()?;
    Ok(())
}
