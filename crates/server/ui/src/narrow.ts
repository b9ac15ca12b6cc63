// Whether the window is as narrow as a telephone's: lists become cards, drawers fill the window.
import { readonly, ref } from 'vue'

const query = window.matchMedia('(max-width: 760px)')
const matches = ref(query.matches)
query.addEventListener('change', (event) => {
  matches.value = event.matches
})

export const narrow = readonly(matches)
