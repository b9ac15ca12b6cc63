// The pages and who may see them. Agents have their own seat only.
import { createRouter, createWebHashHistory } from 'vue-router'
import { homeOf, session, whoAmI } from './session'
import { surface } from './theme'

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/sign-in', component: () => import('./pages/SignInPage.vue'), meta: { open: true } },
    { path: '/', component: () => import('./pages/NotFoundPage.vue'), name: 'home' },
    {
      path: '/wallboard',
      component: () => import('./pages/WallboardPage.vue'),
      meta: { supervisor: true, wall: true, listens: true },
    },
    {
      path: '/calls/:call(\\d+)?',
      component: () => import('./pages/CallsPage.vue'),
      meta: { supervisor: true },
    },
    {
      path: '/cases/:number?',
      component: () => import('./pages/CasesPage.vue'),
      meta: { supervisor: true },
    },
    {
      path: '/messages',
      component: () => import('./pages/MessagesPage.vue'),
      meta: { supervisor: true },
    },
    {
      path: '/tasks',
      component: () => import('./pages/TasksPage.vue'),
      meta: { listens: true },
    },
    {
      path: '/blocks',
      component: () => import('./pages/BlocksPage.vue'),
      meta: { supervisor: true, listens: true },
    },
    {
      path: '/day',
      component: () => import('./pages/DayPage.vue'),
      meta: { supervisor: true },
    },
    {
      path: '/settings',
      component: () => import('./pages/SettingsPage.vue'),
      meta: { supervisor: true },
    },
    {
      path: '/seat/:seat?',
      component: () => import('./pages/SeatPage.vue'),
      meta: { listens: true },
    },
    { path: '/:rest(.*)*', component: () => import('./pages/NotFoundPage.vue') },
  ],
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  let who = session.value
  try {
    who = await whoAmI()
  } catch {
    // The engine cannot be asked. The sign-in page says so when it is used.
    who = null
  }
  if (who === null || who === undefined) {
    return { path: '/sign-in', query: to.name === 'home' ? {} : { to: to.fullPath } }
  }
  if (to.name === 'home') return homeOf(who)
  if (to.meta.supervisor && who.role !== 'supervisor') return homeOf(who)
  if (who.role === 'agent' && to.path.startsWith('/seat') && to.path !== homeOf(who)) {
    return homeOf(who)
  }
  return true
})

router.afterEach((to) => {
  surface.value = to.meta.wall ? 'wall' : 'desk'
})
