// Which icon stands for which state: never the colour alone.
import {
  Aim,
  BellFilled,
  Bottom,
  ChatDotRound,
  ChatLineRound,
  CircleCheckFilled,
  Clock,
  CoffeeCup,
  Connection,
  EditPen,
  Food,
  Grid,
  Headset,
  Lock,
  Microphone,
  Phone,
  PhoneFilled,
  QuestionFilled,
  Reading,
  Remove,
  Right,
  Star,
  Sort,
  Switch,
  SwitchButton,
  Top,
  UserFilled,
  VideoPause,
  View,
  WarningFilled,
  Timer,
} from '@element-plus/icons-vue'
import type { Component } from 'vue'
import type { SeatLook } from '../board'
import type { GuestMode } from '../talk'
import type { Direction, Reason, Stage, TrunkState } from '../words'

export const LOOK_ICONS: Record<SeatLook, Component> = {
  ready: CircleCheckFilled,
  reserved: Aim,
  ringing: BellFilled,
  talking: PhoneFilled,
  hold: VideoPause,
  'wrap-up': EditPen,
  busy: Phone,
  'not-ready': Remove,
  'logged-out': SwitchButton,
  offline: Connection,
}

export const REASON_ICONS: Record<Reason, Component> = {
  'logged-out': SwitchButton,
  break: CoffeeCup,
  meal: Food,
  meeting: ChatDotRound,
  training: Reading,
  coaching: UserFilled,
  'ring-no-answer': Lock,
  refused: Lock,
  forced: Lock,
}

export const STAGE_ICONS: Record<Stage, Component> = {
  arriving: Right,
  menu: Grid,
  waiting: Clock,
  'callback-waiting': Timer,
  offering: BellFilled,
  'calling-back': PhoneFilled,
  talking: Headset,
  transferring: Switch,
  surveying: Star,
  dialling: Phone,
}

export const TRUNK_ICONS: Record<TrunkState, Component> = {
  up: CircleCheckFilled,
  unknown: QuestionFilled,
  down: WarningFilled,
}

export const DIRECTION_ICONS: Record<Direction, Component> = {
  inbound: Bottom,
  internal: Sort,
  outbound: Top,
}

export const GUEST_ICONS: Record<GuestMode, Component> = {
  monitor: View,
  whisper: ChatLineRound,
  barge: Microphone,
  consult: ChatDotRound,
  'take-over': PhoneFilled,
}
