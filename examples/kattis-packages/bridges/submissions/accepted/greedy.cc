#include <iostream>
int main() { std::cout << "not run here\n"; }
