//! The people of the world at their phones: what they do, and what their phones tell them.

use core::time::Duration;

use hotline_calls::{
    Input, Path,
    orders::{Order, SeatRequest},
    phone::{Phone, PhoneEvent, PhoneInput, PhoneOutput, PhoneSettings},
};
use hotline_media::Command;
use hotline_model::LegId;
use rand_chacha::rand_core::Rng as _;

use super::{Due, LEGS_OF_A_PHONE, Line, PHONES_MEDIA, World, address};
use crate::{
    actors::{Deed, Person, Plans},
    network::EXCHANGE,
    town::{PASSWORD, REALM, citizen},
};

impl World {
    pub(super) fn enter(&mut self, at: usize, begins: Duration, person: Person) {
        let path = Path::udp(address(at), EXCHANGE);
        let (user, password) = match person.seat() {
            None => (citizen(at), None),
            Some(seat) => (seat.to_string(), Some(PASSWORD.to_owned())),
        };
        let mut seed = [0; 32];
        self.random.fill_bytes(&mut seed);
        let settings = PhoneSettings {
            product: "sim-phone".to_owned(),
            user,
            password,
            domain: REALM.to_owned(),
            server: path,
            media_address: PHONES_MEDIA,
        };
        let first_leg = LegId((at as u64 + 1) * LEGS_OF_A_PHONE);
        let phone = Phone::new(settings, seed, first_leg);
        for (after, deed) in person.begins() {
            self.plan(begins + after, Due::Deed(at, deed));
        }
        self.lines.push(Line {
            person,
            phone,
            path,
            leg: None,
            dead: false,
        });
    }

    pub(super) fn plan_all(&mut self, at: usize, plans: Plans) {
        for (after, deed) in plans {
            self.plan(after, Due::Deed(at, deed));
        }
    }

    pub(super) fn does(&mut self, at: usize, deed: &Deed) {
        let Some(line) = self.lines.get_mut(at) else {
            return;
        };
        match deed {
            Deed::Breathe => {
                if let Some(leg) = line.leg {
                    let clips = vec![self.breath.clone()];
                    let play = Command::Play {
                        leg,
                        play: 1,
                        clips,
                        repeat: false,
                    };
                    self.phones_worker
                        .handle_command(self.now, play, &mut self.phones_sockets);
                    self.after_phones_media();
                }
            }
            Deed::Die => line.dead = true,
            Deed::GoReady => {
                if let Some(seat) = line.person.seat() {
                    let by = "sim".to_owned();
                    let order = Order {
                        ticket: 0,
                        by,
                        supervisor: false,
                        seat,
                        request: SeatRequest::Ready,
                    };
                    self.exchange(Input::Ordered(order));
                }
            }
            Deed::Ask(request) => {
                if let Some(seat) = line.person.seat() {
                    let order = Order {
                        ticket: 0,
                        by: "sim".to_owned(),
                        supervisor: false,
                        seat,
                        request: SeatRequest::Talk(request.clone()),
                    };
                    self.exchange(Input::Ordered(order));
                }
            }
            Deed::Order(to) => {
                if let Some(seat) = line.person.seat() {
                    let order = Order {
                        ticket: 0,
                        by: "sim".to_owned(),
                        supervisor: false,
                        seat,
                        request: SeatRequest::TransferByName((*to).to_owned()),
                    };
                    self.exchange(Input::Ordered(order));
                }
            }
            deed => {
                if let Some(input) = deed.input() {
                    self.phone(at, input);
                }
            }
        }
    }

    pub(super) fn phone(&mut self, at: usize, input: PhoneInput<'_>) {
        let Some(line) = self.lines.get_mut(at) else {
            return;
        };
        if line.dead {
            return;
        }
        line.phone.handle_input(self.now, input);
        while let Some(output) = self
            .lines
            .get_mut(at)
            .and_then(|line| line.phone.poll_output())
        {
            match output {
                PhoneOutput::Transmit { path, bytes } => {
                    for after in self.weather.deliveries(&mut self.random) {
                        self.plan(after, Due::ToExchange(path.local, bytes.clone()));
                    }
                }
                PhoneOutput::Media(command) => {
                    self.phones_worker
                        .handle_command(self.now, command, &mut self.phones_sockets);
                }
                PhoneOutput::Happened(event) => self.told(at, &event),
                PhoneOutput::ClosePath(_) => {}
            }
        }
        self.after_phones_media();
    }

    pub(super) fn told(&mut self, at: usize, event: &PhoneEvent) {
        let Some(line) = self.lines.get_mut(at) else {
            return;
        };
        match event {
            PhoneEvent::Connected { leg } => line.leg = Some(*leg),
            PhoneEvent::Ended { .. } => line.leg = None,
            _ => {}
        }
        let plans = line.person.reacts(event, &mut self.random);
        self.plan_all(at, plans);
    }
}
