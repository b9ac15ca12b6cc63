// Light and dark. The wallboard hangs on a wall and begins dark; desks begin light. Each keeps the
// choice made for it.
import { computed, shallowRef, watchEffect } from 'vue'
import { remembered } from './remembered'

const THEMES = ['light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const wall = remembered<Theme>('theme.wall', THEMES, 'dark')
const desk = remembered<Theme>('theme.desk', THEMES, 'light')

/** Which of the two choices is in force: set by the router. */
export const surface = shallowRef<'wall' | 'desk'>('desk')

export const theme = computed<Theme>({
  get: () => (surface.value === 'wall' ? wall.value : desk.value),
  set: (value) => {
    if (surface.value === 'wall') wall.value = value
    else desk.value = value
  },
})

watchEffect(() => {
  document.documentElement.classList.toggle('dark', theme.value === 'dark')
})
