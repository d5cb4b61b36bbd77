// The last ten minutes, a point a second.
const kPoints = 600;
const colours = ["#1f6feb", "#2da44e", "#cf222e", "#9a6700", "#8250df", "#bf3989", "#1b7c83", "#6e7781"];

class Chart {
  constructor(target, names) {
    this.target = target;
    this.plot = null;
    this.names = names;
  }
  draw(points, valuesOf) {
    const width = this.target.clientWidth;
    if (!width) return;  // it is not shown
    const data = [points.map((point) => point.t / 1000), ...this.names.map((name) => points.map((point) => valuesOf(point, name)))];
    if (this.plot && this.drawn === this.names.join()) {
      if (this.plot.width !== width) this.plot.setSize({ width, height: 220 });
      this.plot.setData(data);
    } else {
      this.plot?.destroy();
      this.drawn = this.names.join();
      const text = getComputedStyle(document.body).color;
      const axis = { stroke: text, grid: { stroke: "#8886", width: 1 }, ticks: { stroke: "#8886" } };
      this.plot = new window.uPlot({
        width, height: 220,
        series: [{}, ...this.names.map((name, at) => ({ label: name, stroke: colours[at % colours.length], width: 2 }))],
        axes: [axis, { ...axis, size: 70 }],
        legend: { live: false },
        scales: { y: { range: (_, low, high) => [0, Math.max(10, high * 1.1)] } },
      }, data, this.target);
    }
    const last = points.at(-1);
    if (last) this.target.setAttribute("aria-label", this.names.map((name) => `${name} ${valuesOf(last, name)} per second`).join(", "));
  }
}

export class Charts {
  constructor(traffic, classes) {
    this.points = [];
    this.traffic = new Chart(traffic, ["in", "passed", "dropped", "challenged", "would_drop"]);
    this.classes = new Chart(classes, []);
    window.addEventListener("resize", () => this.draw());
  }
  reset(points) {
    this.points = points;
    this.draw();
  }
  add(point) {
    if (!point) return;
    this.points = [...this.points, point].slice(-kPoints);
    this.draw();
  }
  draw() {
    if (!this.points.length) return;
    this.traffic.draw(this.points, (point, name) => point[name] ?? 0);
    this.classes.names = [...new Set(this.points.flatMap((point) => Object.keys(point.classes)))].sort();
    if (this.classes.names.length) this.classes.draw(this.points, (point, name) => point.classes[name] ?? 0);
  }
}
