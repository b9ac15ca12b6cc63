// A browser at a seat: signs in on a page, registers with JsSIP over a WebSocket under TLS by its
// session alone, comes back after the socket was cut, is called, calls, and leaves.
// usage: node jssip.mjs HTTP_PORT WSS_PORT CERTIFICATE KEY SEAT PASSWORD
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { createRequire } from 'node:module'
import { connect, createServer as createRelay } from 'node:net'
import { listen as hear, open, step } from './chromium.mjs'

const [http, wss, certificate, key, seat, password] = process.argv.slice(2)

// JsSIP comes as modules of Node: all it requires in one script.
function bundle(entry) {
  const modules = new Map()
  const visit = (file) => {
    if (modules.has(file)) return
    modules.set(file, '')
    let source = readFileSync(file, 'utf8')
    if (file.endsWith('.json')) source = `module.exports = ${source}`
    const require = createRequire(file)
    source = source.replace(/\brequire\((['"])([^'"]+)\1\)/g, (_, quote, name) => {
      const names = { debug: 'debug/src/browser.js', events: 'events/' }
      const path = require.resolve(names[name] ?? name)
      visit(path)
      return `bundled(${JSON.stringify(path)})`
    })
    modules.set(file, source)
  }
  visit(entry)
  const all = [...modules].map(([file, source]) =>
    `${JSON.stringify(file)}: (module, exports) => {${source}\n}`)
  return `(() => { const all = {${all.join(',\n')}}, loaded = {}
    const bundled = (file) => {
      if (!loaded[file]) { loaded[file] = { exports: {} }; all[file](loaded[file], loaded[file].exports) }
      return loaded[file].exports
    }
    window.JsSIP = bundled(${JSON.stringify(entry)}) })()`
}

const script = bundle(createRequire(import.meta.url).resolve('jssip'))
const listen = (server) => new Promise((done) => {
  server.listen(0, '127.0.0.1', () => done(server.address().port))
})

// The pages' host speaks TLS, as the proxy before the engine's pages does in a city.
const tls = { cert: readFileSync(certificate), key: readFileSync(key) }
const pages = createServer(tls, (asked, answer) => {
  if (asked.url === '/desk') return answer.end('<!doctype html><script src="/jssip.js"></script>')
  if (asked.url === '/jssip.js') return answer.end(script)
  const { method, url, headers } = asked
  const on = request({ host: '127.0.0.1', port: http, method, path: url, headers }, (came) => {
    answer.writeHead(came.statusCode, came.headers)
    came.pipe(answer)
  })
  asked.pipe(on)
})
// The network between the browser and the engine, which can be cut.
const lines = new Set()
let broken = false
const relay = createRelay((near) => {
  if (broken) return near.destroy()
  const far = connect(Number(wss), '127.0.0.1')
  for (const [from, to] of [[near, far], [far, near]]) {
    lines.add(from)
    from.pipe(to)
    from.on('error', () => to.destroy())
    from.on('close', () => { lines.delete(from); to.destroy() })
  }
})
const [page_port, relay_port] = [await listen(pages), await listen(relay)]

const { page, close } = await open({ hertz: 600, ignoreHTTPSErrors: true, args: ['--ignore-certificate-errors'] })
let failure
try {
  page.on('pageerror', (error) => { throw error })
  // JsSIP does not tell of a refresh: the engine's answers do.
  let granted = 0
  page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => {
    if (/^SIP\/2\.0 200[^]*^CSeq: \d+ REGISTER/im.test(String(payload))) granted += 1
  }))
  const refresh = async () => {
    const before = granted
    await page.evaluate(() => window.ua.register())
    for (const until = Date.now() + 30_000; granted === before;) {
      if (Date.now() > until) throw new Error('the registration was not refreshed')
      await new Promise((done) => setTimeout(done, 50))
    }
  }
  await page.goto(`https://127.0.0.1:${page_port}/desk`)
  // Happenings are kept in order, so that none is missed while nobody waits for it.
  await page.evaluate(() => {
    window.happened = []
    window.next = async (wanted) => {
      const until = Date.now() + 30_000
      for (;;) {
        const at = window.happened.findIndex((it) => it.name === wanted)
        if (at >= 0) return window.happened.splice(0, at + 1).at(-1)
        if (Date.now() > until) throw new Error(`never ${wanted}: ${JSON.stringify(window.happened)}`)
        await new Promise((done) => setTimeout(done, 50))
      }
    }
    window.phone = (url, user) => {
      const sockets = [new window.JsSIP.WebSocketInterface(url)]
      const ua = new window.JsSIP.UA({
        sockets, uri: `sip:${user}@127.0.0.1`, register_expires: 60, session_timers: false,
        connection_recovery_min_interval: 1, connection_recovery_max_interval: 2,
      })
      for (const name of ['connected', 'disconnected', 'registered', 'unregistered', 'registrationFailed']) {
        ua.on(name, (it) => window.happened.push({ name, status: it?.response?.status_code }))
      }
      ua.start()
      return ua
    }
  })
  const url = `wss://127.0.0.1:${relay_port}`

  // Without a session a digest is asked for, and the phone knows none.
  const stranger = await page.evaluate(async ([url, user]) => {
    const ua = window.phone(url, user)
    const failed = await window.next('registrationFailed')
    ua.stop()
    await window.next('disconnected')
    return failed.status
  }, [url, seat])
  if (stranger !== 401) throw new Error(`a stranger got ${stranger}`)
  await step('refused without a session')

  const signed = await page.evaluate(async ([user, password]) => {
    const body = JSON.stringify({ user, password })
    const headers = { 'Content-Type': 'application/json' }
    return (await fetch('/api/v1/session', { method: 'POST', headers, body })).status
  }, [seat, password])
  if (signed !== 200) throw new Error(`signing in: ${signed}`)
  await page.evaluate(async ([url, user]) => {
    window.happened = []
    window.ua = window.phone(url, user)
    await window.next('registered')
  }, [url, seat])
  await step('registered')

  await refresh()
  await step('refreshed')

  for (const line of lines) line.destroy()
  await page.evaluate(() => window.next('disconnected'))
  await step('cut')
  await page.evaluate(() => window.next('registered'))
  await step('registered again')

  await page.evaluate(() => {
    // The microphone as it is: what makes speech clearer takes a tone for noise.
    const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false }
    window.voice = { mediaConstraints: { audio: raw, video: false } }
    window.ua.on('newRTCSession', ({ session, originator }) => {
      window.session = session
      for (const name of ['confirmed', 'ended', 'failed']) {
        session.on(name, (it) => {
          window.happened.push({ name, status: it?.message?.status_code, cause: it?.cause })
        })
      }
      if (originator === 'remote') session.answer(window.voice)
    })
  })
  await page.evaluate(`window.hears = ${hear}`)
  await step('waits for a call')
  await page.evaluate(async () => {
    await window.next('confirmed')
    await window.hears(window.session.connection, 900)
  })
  await step('hears the caller')

  // As long as a talk is to survive without signalling, less the second after which it is sought.
  broken = true
  for (const line of lines) line.destroy()
  setTimeout(() => { broken = false }, 9_000)
  await page.evaluate(async () => {
    await window.next('disconnected')
    await window.hears(window.session.connection, 900)
    await window.next('registered')
    await window.hears(window.session.connection, 900)
  })
  await step('hears the caller across a cut')

  await page.evaluate(async () => {
    window.session.terminate()
    await window.next('ended')
  })
  await step('hung up')

  await page.evaluate(async () => {
    window.ua.call('sip:0012@127.0.0.1', window.voice)
    await window.next('confirmed')
    await window.hears(window.session.connection, 1300)
  })
  await step('hears a colleague')
  await page.evaluate(async () => {
    window.session.terminate()
    await window.next('ended')
  })

  const foreign = await page.evaluate(async ([url, user]) => {
    const other = window.phone(url, user)
    const failed = await window.next('registrationFailed')
    other.stop()
    return failed.status
  }, [url, seat === '1002' ? '1003' : '1002'])
  if (foreign !== 403) throw new Error(`another's seat got ${foreign}`)
  await refresh()
  await step('another seat is refused')

  await page.evaluate(async () => {
    window.ua.unregister()
    await window.next('unregistered')
  })
  await step('unregistered')
} catch (error) {
  failure = error
  console.error(error)
}
await close()
// Servers and the test's pipe would keep this running.
process.exit(failure ? 1 : 0)
