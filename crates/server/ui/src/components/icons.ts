// Which icon stands for which state: never the colour alone.
import {
  Aim,
  BellFilled,
  ChatDotRound,
  CircleCheckFilled,
  Clock,
  CoffeeCup,
  Connection,
  EditPen,
  Food,
  Grid,
  Headset,
  Lock,
  Phone,
  PhoneFilled,
  QuestionFilled,
  Reading,
  Remove,
  Right,
  Star,
  SwitchButton,
  UserFilled,
  VideoPause,
  WarningFilled,
} from '@element-plus/icons-vue'
import type { Component } from 'vue'
import type { SeatLook } from '../board'
import type { Reason, Stage, TrunkState } from '../words'

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
  offering: BellFilled,
  talking: Headset,
  surveying: Star,
  dialling: Phone,
}

export const TRUNK_ICONS: Record<TrunkState, Component> = {
  up: CircleCheckFilled,
  unknown: QuestionFilled,
  down: WarningFilled,
}
