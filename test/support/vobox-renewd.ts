/** `vobox-renewd` as a script for {@link bundleScript}: what its launcher does, without the launcher. */
import { main } from '../../src/node/service/renewd.js'

void main(process.argv.slice(2))
