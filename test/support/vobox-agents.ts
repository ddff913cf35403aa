/** `agents start` and `agents stop` as processes of their own: `start|stop|supervise VO`; prints JSON. */

import { toVoboxError } from '../../src/errors.js'
import {
  startVoAgents,
  stopVoAgents,
  superviseAgents,
} from '../../src/node/compose/compose-agents.js'

const [script = '', action, word = ''] = process.argv.slice(1)
const vo = word.replace('--vo=', '')
const options = { vo, environment: process.env }

async function perform(): Promise<unknown> {
  if (action === 'supervise') return superviseAgents(options)
  if (action === 'stop') return stopVoAgents(options)
  return startVoAgents(options, [process.execPath, script, 'supervise'])
}

perform().then(
  (done) => {
    if (done !== undefined) process.stdout.write(JSON.stringify(done))
  },
  (error) => {
    const { code, message } = toVoboxError(error)
    process.stdout.write(JSON.stringify({ code, message }))
    process.exitCode = 1
  },
)
