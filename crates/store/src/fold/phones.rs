//! The shared phones: which can be reached, and whose they are.

use std::collections::BTreeMap;

use hotline_model::{PhoneId, SeatId, event::Event, seat::Device};

use crate::{Record, wallboard::PhoneLine};

/// The shared phones of the present run.
#[derive(Clone, Debug, Default)]
pub struct LivePhones {
    phones: BTreeMap<PhoneId, (Option<Device>, Option<SeatId>)>,
}

impl LivePhones {
    /// Takes in the next record.
    pub fn apply(&mut self, record: &Record) {
        match &record.stamped.event {
            // Registrations of an earlier run are gone, and the seats with them.
            Event::EngineStarted { .. } | Event::EngineStopped {} => *self = Self::default(),
            Event::PhoneDeviceChanged { phone, device, .. } => {
                self.phones.entry(*phone).or_default().0 = Some(*device);
            }
            Event::SeatLentPhone { seat, phone } => {
                self.phones.entry(*phone).or_default().1 = Some(*seat);
            }
            Event::SeatGavePhoneBack { phone, .. } => {
                self.phones.entry(*phone).or_default().1 = None;
            }
            _ => {}
        }
    }

    /// One line per phone of these, each with its place.
    pub fn lines(&self, phones: &[(PhoneId, String)]) -> Vec<PhoneLine> {
        let line = |(phone, place): &(PhoneId, String)| {
            let (device, seat) = self.phones.get(phone).copied().unwrap_or_default();
            PhoneLine {
                phone: *phone,
                place: place.clone(),
                device: device.unwrap_or(Device::Unregistered),
                seat,
            }
        };
        phones.iter().map(line).collect()
    }
}
