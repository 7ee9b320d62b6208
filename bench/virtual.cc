// A C++ program with virtual calls, ordered and hashed maps, strings and exceptions: about half a second natively.
#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>
struct Shape { virtual ~Shape() = default; virtual double area(double k) const = 0; };
struct Square : Shape { double a; explicit Square(double a) : a(a) {} double area(double k) const override { return a * a * k; } };
struct Circle : Shape { double r; explicit Circle(double r) : r(r) {} double area(double k) const override { return 3.14159 * r * r + k; } };
struct Strip : Shape { double w; explicit Strip(double w) : w(w) {} double area(double k) const override { return w - k; } };
int main() {
  std::vector<std::unique_ptr<Shape>> shapes;
  for (int i = 0; i < 3000; i++) { if (i % 3 == 0) shapes.emplace_back(new Square(i)); else if (i % 3 == 1) shapes.emplace_back(new Circle(i)); else shapes.emplace_back(new Strip(i)); }
  double sum = 0; for (int r = 0; r < 12000; r++) for (auto &s : shapes) sum += s->area(r);
  std::map<int, int> ordered; std::unordered_map<std::string, int> hashed;
  for (unsigned i = 0; i < 400000; i++) { ordered[i * 7919u % 50021]++; hashed[std::to_string(i % 20011)] += i; }
  int caught = 0; for (int i = 0; i < 20000; i++) { try { if (i % 2) throw std::runtime_error("odd"); } catch (std::exception &e) { caught += e.what()[0]; } }
  printf("%g %zu %zu %d\n", sum, ordered.size(), hashed.size(), caught);
}
