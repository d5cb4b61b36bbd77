// SPDX-License-Identifier: MIT
// Logs in to the page with Chromium, watches an attack, lifts a ban. Arguments: URL, token, the banned
// address, the picture to write. $FLOODWALL_PLAYWRIGHT is the folder of the npm package playwright-core.
import { createRequire } from "node:module";

const { chromium } = createRequire(import.meta.url)(process.env.FLOODWALL_PLAYWRIGHT);
const [url, token, banned, picture] = process.argv.slice(2);
const complaints = [];
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1100, height: 1000 } });
  page.on("console", (message) => { if (message.type() === "error") complaints.push(message.text()); });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => { if (!request.url().startsWith(url)) complaints.push(`asks ${request.url()}`); });
  await page.goto(url);
  await page.getByLabel("Token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("status").filter({ hasText: "Attack" }).waitFor({ timeout: 20000 });
  await page.locator("#traffic canvas").waitFor();
  await page.waitForTimeout(3000);  // a few points for the picture
  await page.screenshot({ path: picture });
  await page.getByRole("link", { name: "Bans" }).click();
  await page.getByRole("button", { name: `Lift ${banned}` }).click();
  await page.getByRole("button", { name: `Lift ${banned}` }).waitFor({ state: "detached", timeout: 10000 });
  for (const view of ["Attacks", "Sources", "Lists", "Settings", "Events", "Now"]) {
    await page.getByRole("link", { name: view }).click();
    await page.getByRole("heading", { level: 2 }).first().waitFor();
  }
  await page.setViewportSize({ width: 360, height: 700 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) complaints.push(`${wide} pixels too wide for a phone`);
  // The question whether somebody has logged in is answered by 401: Chromium calls that an error.
  const wrong = complaints.filter((each) => !each.includes("401"));
  if (wrong.length) throw new Error(wrong.join("\n"));
} finally {
  await browser.close();
}
