//! The tables of G.722, under the names the recommendation gives them (ITU-T G.722 §6.2).

/// Half of the quadrature mirror filter, which is symmetric (Table 11: H0 to H23), in the order in
/// which the odd taps meet a window of pairs.
pub(super) const QMF: [i32; 12] = [3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11];

/// Decision levels of the lower band, without the first (0) (Table 14, Q6).
pub(super) const Q6: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023,
    1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// Decision level of the upper band (Table 14, Q2).
pub(super) const Q2: i32 = 564;

/// Output levels of the lower band's 4 bits, which both ends adapt by (Table 16, QM4).
pub(super) static QM4: [i32; 16] = [
    0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584,
    1200, 0,
];

/// Output levels of the lower band's 6 bits (Table 17, QM6): what is heard in mode 1.
pub(super) static QM6: [i32; 64] = [
    -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232,
    -9360, -8576, -7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776,
    -2400, -2032, -1688, -1360, -1040, -728, 24808, 21904, 19008, 16704, 14984, 13512, 12280,
    11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456, 4944, 4464, 4008, 3576, 3168, 2776,
    2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
];

/// Output levels of the upper band (Table 16, QM2).
pub(super) static QM2: [i32; 4] = [-7408, -1616, 7408, 1616];

/// Steps of the lower band's logarithmic scale, by its 4 bits (Tables 15 and 18, WL of RL42).
pub(super) static WL: [i32; 16] = [
    -60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60,
];

/// Steps of the upper band's logarithmic scale, by its 2 bits (Tables 15 and 18, WH of RH2).
pub(super) static WH: [i32; 4] = [798, -214, 798, -214];

/// Powers of two in steps of 1/32, times 2,048 (Table 19, ILB).
pub(super) static ILB: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
    2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];
