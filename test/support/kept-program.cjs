/**
 * `vobox-proxy` in a process that is kept: it runs one command line after the other, as
 * `bin/load.cjs` would in processes of their own, and says between them how each ended. See
 * `kept-program.ts`.
 */
'use strict'

const crypto = require('node:crypto')
const path = require('node:path')
const { promisify } = require('node:util')
const { compile, home } = require('../../bin/load.cjs')

const LOADER = path.join(home, 'bin', 'load.cjs')
const PROGRAM = 'vobox-proxy'

/** What a command listens to for as long as its process lives. */
const EVENTS = ['error', 'uncaughtException', 'unhandledRejection', 'SIGINT', 'SIGTERM', 'SIGHUP']

/** RSA keys that were made for tests, as PEM: each is worth more of a core than a command. */
const stock = []
const generate = promisify(crypto.generateKeyPair)
const fromStock = { [promisify.custom]: takeOrGenerate }
crypto.generateKeyPair = Object.assign(() => undefined, fromStock)

async function takeOrGenerate(type, options) {
  const pem = type === 'rsa' && options.modulusLength === 2048 ? stock.shift() : undefined
  if (pem === undefined) return generate(type, options)
  stock.push(pem)
  const privateKey = crypto.createPrivateKey(pem)
  return { privateKey, publicKey: crypto.createPublicKey(privateKey) }
}

const umask = process.umask()
const bundles = new Map()

/** A bundle, evaluated once: what modules keep, files of tests share too. */
function load(name) {
  if (!bundles.has(name)) bundles.set(name, compile(name).run())
  return bundles.get(name)
}

function countResources() {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate').length
}

process.on('disconnect', () => process.exit())
process.on('message', ({ words, env, directory, mark, keys }) => {
  if (keys !== undefined) {
    stock.push(...keys)
    return
  }
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, env)
  process.chdir(directory)
  process.umask(umask)
  process.argv = [process.execPath, LOADER, PROGRAM, ...words]
  process.exitCode = undefined
  const emitters = [process, process.stdout, process.stderr]
  // What keeps this process alive by itself does not keep a command from its end.
  const idle = countResources()
  const before = emitters.map((one) => EVENTS.map((name) => one.listeners(name)))
  load('quick')
    .main(words, load, home)
    .then(() => untilIdle(idle))
    .then(() => {
      emitters.forEach((one, index) => {
        restore(one, before[index])
      })
      const status = process.exitCode ?? 0
      // A status that stayed would be the next command's.
      process.exitCode = undefined
      process.stdout.write(`${mark} ${status}\n`)
      process.stderr.write(`${mark}\n`)
    })
})

/** A process of its own would live until nothing is under way any more. */
function untilIdle(idle) {
  if (countResources() <= idle) return undefined
  // Counted when the timer that waits is no longer one of them.
  const turn = (resolve) => setTimeout(() => setImmediate(resolve), 1)
  return new Promise(turn).then(() => untilIdle(idle))
}

function restore(emitter, listeners) {
  EVENTS.forEach((name, index) => {
    for (const one of emitter.listeners(name)) {
      if (!listeners[index].includes(one)) emitter.removeListener(name, one)
    }
  })
}
