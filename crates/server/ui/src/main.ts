// Starts the pages.
import { createApp } from 'vue'
import App from './App.vue'
import { whenSignedOut } from './api'
import { unfollow } from './live'
import { router } from './router'
import { session } from './session'
import './styles/element'
import './styles/tokens.css'
import './styles/page.css'

whenSignedOut(() => {
  unfollow()
  if (session.value === null) return
  const expired = session.value !== undefined
  session.value = null
  const to = router.currentRoute.value.fullPath
  void router.replace({ path: '/sign-in', query: expired ? { to, expired: '1' } : { to } })
})

createApp(App).use(router).mount('#app')
