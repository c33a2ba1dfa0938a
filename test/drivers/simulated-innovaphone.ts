/** A simulated gateway with its driver. */
import type { Test } from 'tap'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import { createDriver } from '../../src/drivers/registry.ts'
import type { GatewayDriver } from '../../src/ports.ts'
import { createSecret } from '../../src/secret.ts'
import { createSimulatedGateway } from '../../src/simulator/innovaphone-gateway.ts'
import type { SimulatedGateway, SimulatedGatewayOptions } from '../../src/simulator/innovaphone-gateway.ts'

const LINE = { enabled: true, label: 'acme', username: '4930123', domain: 'acme.example', password: 'p', proxy: '127.0.0.1:9', expires: 60 }

/** @param count - of its interfaces, SIP1 first; all are enabled */
export async function simulate (t: Test, settings: object = {}, options: Partial<SimulatedGatewayOptions> = {}, count = 2): Promise<{ readonly driver: GatewayDriver; readonly gateway: SimulatedGateway }> {
  const interfaces = Array.from({ length: count }, (_, index) => ({ ...LINE, name: `SIP${index + 1}` }))
  const gateway = await createSimulatedGateway({ name: 'pbx-a', host: '127.0.0.1', username: 'pointsman', password: 'p', interfaces, clock, random, ...options })
  const driver = createDriver('innovaphone', { url: gateway.url, username: 'pointsman', password: createSecret('p'), ...settings }, { clock, random })
  t.teardown(async () => { await driver.close(); await gateway.stop() })
  return { driver, gateway }
}
